// @atcute/jetstream: one URL or a list, from which it takes one at random for each connection. It always asks for
// requireHello=true and a cursor (now, when it has none), and sends its filters as options_update.
//
// It checks every event against a schema that demands identity.handle: identity events without one are dropped, and
// go to onError only. Its cursor is the time_us of the last event it has accepted, 10 s less when the URL differs
// from that of the event.
import { JetstreamSubscription } from '@atcute/jetstream';
import WebSocket from 'ws';

export async function runAtcute(spec, print) {
  const subscription = new JetstreamSubscription({
    url: spec.urls.length === 1 ? spec.urls[0] : spec.urls,
    wantedCollections: spec.wantedCollections,
    wantedDids: spec.wantedDids,
    onError: (error) => console.error(error.message),
    ws: { WebSocket },
  });
  let count = 0;
  for await (const event of subscription) {
    print(event);
    count += 1;
    if (count === spec.update?.after) {
      subscription.updateOptions({ wantedCollections: spec.update.wantedCollections });
    }
  }
}
