// The kinds of filters that subscribers have, as query parameters.

// A: everything. B: posts. C: 1 to 20 of the collections that occur. D: up to 100 of the DIDs that occur.
export const KINDS = ['A', 'B', 'C', 'D'];

export function filterOf(kind, index, seen) {
  switch (kind) {
    case 'B':
      return { kind, query: 'wantedCollections=app.bsky.feed.post' };
    case 'C':
      return { kind, query: several('wantedCollections', seen.collections, index, 1 + (index % 20)) };
    case 'D':
      return { kind, query: several('wantedDids', seen.dids, index, 100) };
    default:
      return { kind, query: '' };
  }
}

// `count` neighbours, from another place for each subscriber.
function several(name, values, index, count) {
  const chosen = [];
  for (let i = 0; i < Math.min(count, values.length); i++) {
    chosen.push(`${name}=${values[(index * 7 + i) % values.length]}`);
  }
  return chosen.join('&');
}
