// Subscribers of a Jetstream server, as many as wanted, each of which checks what it gets.
//
//   k6 run -e URL=ws://127.0.0.1:6008/subscribe -e SCENARIO=steady -e SUBSCRIBERS=500 main.js
//
// Scenarios:
//   smoke    one subscriber with each kind of filter
//   steady   SUBSCRIBERS come one after the other within RAMP and stay
//   storm    as steady, but every STORM_EVERY all of them leave and return at once with their cursors
//   replay   all begin REWIND ago at once, and catch up
//   rolling  all begin with the oldest event and stay, whatever closes them: for restarts of the servers
//
// Every setting with its default: lib/settings.js.

import exec from 'k6/execution';
import { settings } from './lib/settings.js';
import { filterOf, KINDS } from './lib/filters.js';
import { sample } from './lib/sample.js';
import { Subscriber } from './lib/subscriber.js';
import { thresholds } from './lib/metrics.js';
import { summarise } from './lib/summary.js';

const SLACK_SECONDS = 60;
const vus = Math.ceil(settings.subscribers / settings.perVu);

export const options = {
  scenarios: {
    [settings.scenario]: {
      executor: 'per-vu-iterations',
      vus,
      iterations: 1,
      maxDuration: `${settings.duration + SLACK_SECONDS}s`,
    },
  },
  thresholds: thresholds(settings),
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max', 'count'],
  setupTimeout: '60s',
};

// What the server's events are about, for filters that fit them.
export function setup() {
  return sample(settings.url, settings.sampleEvents);
}

export default function (seen) {
  const first = (exec.vu.idInTest - 1) * settings.perVu;
  const endsAt = exec.scenario.startTime + settings.duration * 1000;
  for (let i = first; i < Math.min(first + settings.perVu, settings.subscribers); i++) {
    const kind = settings.mix[i % settings.mix.length];
    const subscriber = new Subscriber({
      url: settings.url,
      filter: filterOf(kind, i, seen),
      cursor: settings.firstCursor(Date.now()),
      isReplay: settings.scenario === 'replay',
    });
    subscriber.runUntil(endsAt, settings.delayOf(i), settings.stormEvery);
  }
}

export function handleSummary(data) {
  return summarise(data, settings, KINDS);
}
