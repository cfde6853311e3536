// Looks at a server's events for a moment.

import { WebSocket } from './websocket.js';

const PATIENCE_MS = 30000;

// The collections and DIDs of the next `count` events, or of those of half a minute.
export function sample(url, count) {
  const [dids, collections] = [new Set(), new Set()];
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let seen = 0;
    const finish = () => {
      clearTimeout(patience);
      socket.close();
      resolve({ dids: [...dids].sort(), collections: [...collections].sort() });
    };
    const patience = setTimeout(finish, PATIENCE_MS);
    socket.onerror = (event) => reject(new Error(`${url}: ${event.error}`));
    socket.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      dids.add(event.did);
      if (event.commit) collections.add(event.commit.collection);
      seen += 1;
      if (seen === count) finish();
    };
  });
}
