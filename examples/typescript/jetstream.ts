// Prints the events of a Jetstream server, one JSON object per line, across reconnects and restarts.
//
//     node jetstream.ts ws://localhost:6008 likes.cursor app.bsky.feed.like
//
// The file holds the time_us of the last event that was handled. A crash between handling an event and writing the file
// repeats that one event, so handling must be repeat-safe.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { argv, exit } from "node:process";
import WebSocket from "ws";

const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;
// The server pings every 30 s. A connection that shows no sign of life for longer than this is dead.
const SILENCE_MS = 75_000;

function usage(): never {
  console.error("usage: jetstream.ts SERVER CURSOR_FILE [COLLECTION...]");
  exit(64);
}
const [server = usage(), file = usage(), ...collections] = argv.slice(2);

let cursor = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
let pause = FIRST_PAUSE_MS;

function connect(): void {
  const url = new URL("/subscribe", server);
  for (const collection of collections) url.searchParams.append("wantedCollections", collection);
  if (cursor > 0) url.searchParams.set("cursor", String(cursor));

  const socket = new WebSocket(url);
  let reason = "connection lost";
  const watchdog = setTimeout(() => socket.terminate(), SILENCE_MS);

  socket.on("ping", () => watchdog.refresh());
  socket.on("message", (data) => {
    watchdog.refresh();
    const text = data.toString();
    const { time_us } = JSON.parse(text) as { time_us: number };
    // Cursors are inclusive: a reconnect repeats the event at the cursor.
    if (time_us <= cursor) return;
    handle(text);
    save(time_us);
    pause = FIRST_PAUSE_MS;
  });
  socket.on("unexpected-response", (_request, response) => {
    response.setEncoding("utf8").on("data", (body: string) => {
      if (response.statusCode === 400) {
        console.error(`the server refuses the request: ${body}`);
        exit(1);
      }
    });
    reason = `HTTP ${response.statusCode}`;
    socket.terminate();
  });
  socket.on("error", (error) => (reason = error.message));
  socket.on("close", (_code, text) => {
    clearTimeout(watchdog);
    console.error(`disconnected: ${text.toString() || reason}; reconnecting in ${pause} ms`);
    setTimeout(connect, pause);
    pause = Math.min(2 * pause, LAST_PAUSE_MS);
  });
}

function handle(event: string): void {
  console.log(event);
}

/** Replaces the file in one step: a crash leaves the old cursor or the new one. */
function save(time_us: number): void {
  cursor = time_us;
  writeFileSync(`${file}.new`, String(cursor));
  renameSync(`${file}.new`, file);
}

connect();
