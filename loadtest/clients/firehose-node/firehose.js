// Runs one foreign firehose client as its documentation says, and prints a line per event.
//
//     node firehose.js atproto|atcute BASE_URL
//
// @atproto/sync hands over one event per operation, and none for a commit without operations. Its runner keeps the cursor: the option
// getCursor of this version does not work. Identity events are left out, since it would look up each account. At every close frame start()
// of this version returns, and is called again: only connections that end without one are resumed by the library. @atcute/firehose hands
// over whole messages, checks them against their schema, and calls a function for the parameters of each connection.
import { ComAtprotoSyncSubscribeRepos } from '@atcute/atproto';
import { FirehoseSubscription } from '@atcute/firehose';
import { IdResolver } from '@atproto/identity';
import { Firehose, MemoryRunner } from '@atproto/sync';
import WebSocket from 'ws';

const print = (seq, type) => process.stdout.write(`${JSON.stringify({ seq, type })}\n`);

async function runAtproto(service) {
  const runner = new MemoryRunner({ concurrency: 1 });
  const firehose = new Firehose({
    service,
    runner,
    idResolver: new IdResolver(),
    unauthenticatedCommits: true,
    unauthenticatedHandles: true,
    excludeIdentity: true,
    handleEvent: async (event) => print(event.seq, event.event),
    onError: (error) => console.error(error),
  });
  for (;;) {
    await firehose.start();
    console.error('start() returned');
  }
}

async function runAtcute(service) {
  let cursor;
  const subscription = new FirehoseSubscription({
    service,
    nsid: ComAtprotoSyncSubscribeRepos.mainSchema,
    params: () => (cursor === undefined ? {} : { cursor }),
    onError: (error) => console.error(error),
    ws: { WebSocket },
  });
  for await (const message of subscription) {
    cursor = message.seq;
    print(message.seq, message.$type);
  }
}

const runners = { atproto: runAtproto, atcute: runAtcute };
const [library, service] = process.argv.slice(2);
await runners[library](service);
