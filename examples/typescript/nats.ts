// Prints events of collections from Fanjet's log in NATS, one per line: the stream sequence, a tab, the JSON.
//
//     export NATS_URL=nats://localhost:4222 NATS_USER=reader NATS_PASSWORD=... NATS_DOMAIN=fanjet
//     node nats.ts likes 0 app.bsky.feed.like
//
// The consumer ("likes") is durable: NATS keeps its position, and several processes with the same name share the work. The
// number is a time_us to begin at when the consumer is new; 0 is the oldest event. After a crash, events that were not
// acknowledged come again, so handling must be repeat-safe: the stream sequence identifies an event forever.

import { argv, env, exit } from "node:process";
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type ConsumerConfig,
  type JsMsg,
} from "@nats-io/jetstream";
import { connect, nanos } from "@nats-io/transport-node";

const STREAM = "ATP";
const RETENTION_MS = 72 * 3600 * 1000;
const CLOCK_SLACK_MS = 5000;
const NOT_FOUND = 10014;

function usage(): never {
  console.error("usage: nats.ts CONSUMER SINCE_TIME_US COLLECTION...");
  exit(64);
}
const [name = usage(), sinceText = usage(), ...collections] = argv.slice(2);
const since = Number(sinceText);

function config(): Partial<ConsumerConfig> {
  const start = new Date(since / 1000 - CLOCK_SLACK_MS);
  return {
    durable_name: name,
    // Rare collections share subjects: see docs/use/nats.md.
    filter_subjects: ["atp.commit._.*", ...collections.map((nsid) => `atp.commit.${nsid}`)],
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(10_000),
    inactive_threshold: nanos(RETENTION_MS),
    ...(since > 0
      ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.toISOString() }
      : { deliver_policy: DeliverPolicy.All }),
  };
}

/** Excludes messages that are not events, other collections on shared subjects, and events before the start. */
function isWanted(message: JsMsg): boolean {
  if (!message.headers?.has("Fanjet-Origin")) return false;
  const collection = message.headers.get("Fanjet-Collection");
  if (collection && !collections.includes(collection)) return false;
  return message.json<{ time_us: number }>().time_us >= since;
}

const connection = await connect({
  servers: env.NATS_URL,
  user: env.NATS_USER,
  pass: env.NATS_PASSWORD,
  maxReconnectAttempts: -1,
});
// A reader may not ask for account information, which checkAPI does.
const options = { domain: env.NATS_DOMAIN, checkAPI: false };
const manager = await jetstreamManager(connection, options);
await manager.consumers.info(STREAM, name).catch(async (error) => {
  if (!(error instanceof JetStreamApiError && error.code === NOT_FOUND)) throw error;
  await manager.consumers.add(STREAM, config());
});
const consumer = await jetstream(connection, options).consumers.get(STREAM, name);
for await (const message of await consumer.consume({ max_messages: 100 })) {
  if (isWanted(message)) console.log(`${message.seq}\t${message.string()}`);
  message.ack();
}
