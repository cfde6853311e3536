// @skyware/jetstream: one URL; its cursor is the highest time_us it has seen, sent again on every reconnect.
//
// It hands over the parsed event whole. By its code it withholds commits without collection, rkey or rev, and
// creates without record.
import { Jetstream } from '@skyware/jetstream';
import WebSocket from 'ws';

export function runSkyware(spec, print) {
  const jetstream = new Jetstream({
    ws: WebSocket,
    endpoint: `${spec.urls[0]}/subscribe`,
    wantedCollections: spec.wantedCollections,
    wantedDids: spec.wantedDids,
  });
  let count = 0;
  const receive = (event) => {
    print(event);
    count += 1;
    if (count === spec.update?.after) {
      jetstream.updateOptions({ wantedCollections: spec.update.wantedCollections });
    }
  };
  jetstream.on('commit', receive);
  jetstream.on('identity', receive);
  jetstream.on('account', receive);
  jetstream.on('error', (error) => console.error(error));
  jetstream.start();
}
