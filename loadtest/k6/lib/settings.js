// What is asked for, from k6's environment (`-e NAME=value`), checked.

const SCENARIOS = ['smoke', 'steady', 'storm', 'replay', 'rolling'];
// The kinds of lib/filters.js.
const MIX = 'ABCD';

function text(name, fallback, isAllowed, allowed) {
  const value = __ENV[name] === undefined ? fallback : __ENV[name];
  if (!isAllowed(value)) {
    throw new Error(`${name}=${value} (allowed: ${allowed})`);
  }
  return value;
}

function number(name, fallback, least) {
  const isAllowed = (value) => Number.isFinite(Number(value)) && Number(value) >= least;
  return Number(text(name, fallback, isAllowed, `a number, ${least} or more`));
}

function read() {
  const scenario = text('SCENARIO', 'smoke', (it) => SCENARIOS.includes(it), SCENARIOS.join(', '));
  const isUrl = (it) => /^wss?:\/\/[^?]+$/.test(it);
  const isMix = (it) => /^[ABCD]+$/.test(it);
  const settings = {
    scenario,
    // Any Jetstream server's.
    url: text('URL', 'ws://127.0.0.1:6008/subscribe', isUrl, 'ws:// or wss://, host and path, no query'),
    // Sockets in all, and for each of k6's virtual users.
    subscribers: number('SUBSCRIBERS', scenario === 'smoke' ? 4 : 100, 1),
    perVu: number('PER_VU', 10, 1),
    // Which kinds of filters take turns.
    mix: text('MIX', MIX, isMix, 'a word of A, B, C and D').split(''),
    // Seconds.
    duration: number('DURATION', scenario === 'smoke' ? 10 : 60, 1),
    ramp: number('RAMP', scenario === 'steady' || scenario === 'storm' ? 10 : 0, 0),
    rewind: number('REWIND', 60, 0),
    stormEvery: scenario === 'storm' ? number('STORM_EVERY', 10, 1) : 0,
    // How many events are looked at first, to learn collections and DIDs that occur.
    sampleEvents: number('SAMPLE', 200, 1),
    // The largest 99th percentile of the delivery lag in milliseconds. The server's clock must be this machine's.
    maxLag: number('MAX_LAG_MS', 1000, 0),
    // Where the figures are written as JSON; empty: nowhere.
    summary: __ENV.SUMMARY || '',
  };
  if (settings.duration <= settings.ramp) {
    throw new Error(`RAMP=${settings.ramp} (allowed: less than DURATION, ${settings.duration})`);
  }
  settings.delayOf = (index) => (settings.ramp * 1000 * index) / settings.subscribers;
  settings.firstCursor = (now) => {
    if (scenario === 'rolling') return 1;
    return scenario === 'replay' ? (now - settings.rewind * 1000) * 1000 : null;
  };
  return settings;
}

export const settings = read();
