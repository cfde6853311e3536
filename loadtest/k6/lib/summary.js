// The end of a run: figures for people, and as JSON.

const value = (data, metric, stat) => {
  const found = data.metrics[metric];
  return found && found.values[stat] !== undefined ? found.values[stat] : 0;
};

const whole = (number) => String(Math.round(number));

export function summarise(data, settings, kinds) {
  const failed = [];
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [threshold, outcome] of Object.entries(metric.thresholds || {})) {
      if (!outcome.ok) failed.push(`${name}: ${threshold}`);
    }
  }
  const streams = {};
  for (const kind of kinds.filter((it) => settings.mix.includes(it))) {
    const metric = `stream_length{filter:${kind}}`;
    streams[kind] = {
      subscribers: value(data, metric, 'count'),
      shortest: value(data, metric, 'min'),
      longest: value(data, metric, 'max'),
    };
  }
  const figures = {
    scenario: settings.scenario,
    subscribers: settings.subscribers,
    seconds: settings.duration,
    events: value(data, 'events', 'count'),
    gaps: value(data, 'gaps', 'count'),
    reordered: value(data, 'reordered', 'count'),
    unreadable: value(data, 'unreadable', 'count'),
    reconnects: value(data, 'reconnects', 'count'),
    returns: value(data, 'returns', 'count'),
    lag_ms: { median: value(data, 'delivery_lag_ms', 'med'), p99: value(data, 'delivery_lag_ms', 'p(99)') },
    catch_up_ms: { median: value(data, 'catch_up_ms', 'med'), max: value(data, 'catch_up_ms', 'max') },
    streams,
    failed,
  };
  const lines = [
    '',
    `${figures.scenario}: ${figures.subscribers} subscribers, ${figures.seconds} s`,
    `  events       ${figures.events}`,
    `  gaps         ${figures.gaps}`,
    `  reordered    ${figures.reordered}`,
    `  unreadable   ${figures.unreadable}`,
    `  reconnects   ${figures.reconnects}`,
    `  lag          median ${whole(figures.lag_ms.median)} ms, p99 ${whole(figures.lag_ms.p99)} ms`,
  ];
  if (settings.scenario === 'storm') lines.push(`  returns      ${figures.returns}`);
  if (settings.scenario === 'replay') {
    lines.push(`  catching up  median ${whole(figures.catch_up_ms.median)} ms, slowest ${whole(figures.catch_up_ms.max)} ms`);
  }
  for (const [kind, stream] of Object.entries(streams)) {
    lines.push(`  filter ${kind}     ${stream.subscribers} subscribers, ${stream.shortest} to ${stream.longest} events each`);
  }
  lines.push(failed.length === 0 ? '  every threshold holds' : `  FAILED       ${failed.join(', ')}`, '');
  const written = { stdout: lines.join('\n') };
  if (settings.summary !== '') written[settings.summary] = JSON.stringify(figures, null, 2);
  return written;
}
