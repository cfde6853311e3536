// A feed generator: the newest posts that contain a word, newest first.
//
//     PUBLISHER=did:plc:YOURS node feed-generator.ts ws://localhost:6008 feed.example.org 3000 jetstream
//
// The index is in memory only. Every start rebuilds it from the server's log, which keeps days of events: a cursor in the
// past replays them in seconds and continues with live ones. Put a TLS proxy for the host name in front, and publish the
// record app.bsky.feed.generator/contains with "did": "did:web:feed.example.org" in the publisher's repo.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { argv, env, exit } from "node:process";
import WebSocket from "ws";

const COLLECTION = "app.bsky.feed.post";
const NAME = "contains";
const MAX_POSTS = 10_000;
const MAX_AGE_US = 48 * 3600 * 1e6;
const MAX_PAGE = 100;
const FIRST_PAUSE_MS = 500;
const LAST_PAUSE_MS = 30_000;
// The server pings every 30 s. A connection that shows no sign of life for longer than this is dead.
const SILENCE_MS = 75_000;

function usage(): never {
  console.error("usage: feed-generator.ts SERVER HOST_NAME PORT WORD");
  exit(64);
}
const [server = usage(), host = usage(), port = usage(), word = usage()] = argv.slice(2);
const serviceDid = `did:web:${host}`;
const feedUri = `at://${env.PUBLISHER ?? serviceDid}/app.bsky.feed.generator/${NAME}`;

interface JetstreamEvent {
  did: string;
  time_us: number;
  commit?: { operation: string; collection: string; rkey: string; record?: { text?: unknown } };
}

/** Matching posts and when they were indexed. A Map keeps the order of insertion: oldest first. */
const posts = new Map<string, number>();

function index({ did, time_us, commit }: JetstreamEvent): void {
  if (commit?.collection !== COLLECTION) return;
  const uri = `at://${did}/${COLLECTION}/${commit.rkey}`;
  const text = commit.record?.text;
  const matches = typeof text === "string" && text.toLowerCase().includes(word.toLowerCase());
  // An update may stop matching.
  if (commit.operation === "delete" || !matches) posts.delete(uri);
  else if (!posts.has(uri)) posts.set(uri, time_us);
  for (const [oldest, indexedAt] of posts) {
    if (posts.size <= MAX_POSTS && indexedAt > time_us - MAX_AGE_US) break;
    posts.delete(oldest);
  }
}

let cursor = Date.now() * 1000 - MAX_AGE_US;
let pause = FIRST_PAUSE_MS;

function follow(): void {
  const url = new URL("/subscribe", server);
  url.searchParams.set("wantedCollections", COLLECTION);
  url.searchParams.set("cursor", String(cursor));
  const socket = new WebSocket(url);
  const watchdog = setTimeout(() => socket.terminate(), SILENCE_MS);
  let reason = "connection lost";
  socket.on("ping", () => watchdog.refresh());
  socket.on("message", (data) => {
    watchdog.refresh();
    const event = JSON.parse(data.toString()) as JetstreamEvent;
    // Cursors are inclusive: a reconnect repeats the event at the cursor.
    if (event.time_us <= cursor) return;
    index(event);
    cursor = event.time_us;
    pause = FIRST_PAUSE_MS;
  });
  socket.on("error", (error) => (reason = error.message));
  socket.on("close", (_code, text) => {
    clearTimeout(watchdog);
    console.error(`disconnected: ${text.toString() || reason}; reconnecting in ${pause} ms`);
    setTimeout(follow, pause);
    pause = Math.min(2 * pause, LAST_PAUSE_MS);
  });
}

/** A page of the feed. Its cursor is the time of its last post, so new posts do not shift later pages. */
function skeleton(limit: number, before: number): { feed: { post: string }[]; cursor?: string } {
  const page = [...posts].reverse().filter(([, indexedAt]) => indexedAt < before).slice(0, limit);
  const feed = page.map(([post]) => ({ post }));
  const last = page.at(-1);
  return last && page.length === limit ? { feed, cursor: String(last[1]) } : { feed };
}

function answer(path: string, query: URLSearchParams): [status: number, body: unknown] {
  switch (path) {
    case "/.well-known/did.json": {
      const service = { id: "#bsky_fg", type: "BskyFeedGenerator", serviceEndpoint: `https://${host}` };
      return [200, { "@context": ["https://www.w3.org/ns/did/v1"], id: serviceDid, service: [service] }];
    }
    case "/xrpc/app.bsky.feed.describeFeedGenerator":
      return [200, { did: serviceDid, feeds: [{ uri: feedUri }] }];
    case "/xrpc/app.bsky.feed.getFeedSkeleton": {
      if (query.get("feed") !== feedUri) {
        return [400, { error: "UnknownFeed", message: `this server has one feed, ${feedUri}` }];
      }
      const limit = Number(query.get("limit") ?? 50);
      const before = Number(query.get("cursor") ?? Infinity);
      if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
        return [400, { error: "InvalidRequest", message: `limit must be 1 to ${MAX_PAGE}` }];
      }
      if (Number.isNaN(before)) {
        return [400, { error: "InvalidRequest", message: "cursor must be one that this server returned" }];
      }
      return [200, skeleton(limit, before)];
    }
    default:
      return [404, { error: "NotFound", message: `no such path: ${path}` }];
  }
}

const http = createServer((request, response) => {
  const [path = "/", query] = (request.url ?? "/").split("?", 2);
  const [status, body] = answer(path, new URLSearchParams(query));
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
});
http.listen(Number(port), () => console.log(`listening on port ${(http.address() as AddressInfo).port}`));
follow();
