// Runs one foreign client as its documentation says, and prints every event that it hands over as a line of JSON.
//
//     node driver.js skyware|atcute SPEC
//
// SPEC is a JSON object: urls, wantedCollections, wantedDids, and perhaps update {after, wantedCollections}: the
// filter to request after this many events. Both libraries keep their own cursor and reconnect on their own;
// neither can ask for compression.
import { runAtcute } from './atcute.js';
import { runSkyware } from './skyware.js';

const runners = { skyware: runSkyware, atcute: runAtcute };
const [library, spec] = process.argv.slice(2);
const print = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
await runners[library](JSON.parse(spec), print);
