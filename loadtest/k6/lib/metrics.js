// What subscribers measure, and what must hold.

import { Counter, Rate, Trend } from 'k6/metrics';

export const events = new Counter('events');
// A connection resumed from an event that the server did not begin with: something may be missing.
export const gaps = new Counter('gaps');
// Events that are not newer than the one before, apart from the one that a cursor names again.
export const reordered = new Counter('reordered');
export const unreadable = new Counter('unreadable');
export const closes = new Counter('closes');
export const unexpectedCloses = new Rate('unexpected_closes');
// Reconnects after unexpected closes, and after the closes of a storm.
export const reconnects = new Counter('reconnects');
export const returns = new Counter('returns');
// From an event's time_us to here, once a subscriber is live.
export const lag = new Trend('delivery_lag_ms', true);
// From connecting with an old cursor until live.
export const catchUp = new Trend('catch_up_ms', true);
// Events of one subscriber from its first cursor to its end.
export const streamLength = new Trend('stream_length');

export function thresholds(settings) {
  const must = {
    events: ['count>0'],
    gaps: ['count==0'],
    reordered: ['count==0'],
    unreadable: ['count==0'],
    unexpected_closes: ['rate==0'],
  };
  // Without it there was no storm.
  if (settings.stormEvery > 0) must.returns = [`count>=${settings.subscribers}`];
  // Who replays shares the node with others who still catch up.
  if (settings.scenario !== 'replay') must.delivery_lag_ms = [`p(99)<${settings.maxLag}`];
  for (const kind of new Set(settings.mix)) {
    must[`stream_length{filter:${kind}}`] = ['min>=0'];
  }
  return must;
}
