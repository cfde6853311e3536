'use strict';
// Shows the snapshots of /status/live, and events of /subscribe and of v2. Data from the network is only ever set as text.
const at = id => document.getElementById(id);
const set = (id, text) => { const node = at(id); if (node.textContent !== text) node.textContent = text; };
const number = value => value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
const clock = us => new Date(us / 1000).toISOString().slice(0, 19).replace('T', ' ');
function bytes(value) {
  for (const unit of ['B', 'kB', 'MB']) {
    if (value < 1000) return number(value) + ' ' + unit;
    value /= 1000;
  }
  return number(value) + ' GB';
}
function span(seconds) {
  if (seconds < 1) return Math.round(seconds * 1000) + ' ms';
  if (seconds < 120) return number(seconds) + ' s';
  if (seconds < 7200) return Math.round(seconds / 60) + ' min';
  return seconds < 172800 ? number(seconds / 3600) + ' h' : number(seconds / 86400) + ' d';
}

// A time of today, or a date.
const seen = (us, now) => now - us < 864e8 ? clock(us).slice(11) : clock(us).slice(0, 10);

// Rows are kept and only their texts change, so that the page does not move while it is read.
function rows(id, data) {
  const body = at(id);
  while (body.rows.length > data.length) body.deleteRow(-1);
  data.forEach((cells, index) => {
    let row = body.rows[index];
    if (!row) {
      row = body.insertRow();
      cells.forEach((_, nth) => {
        const cell = document.createElement(nth ? 'td' : 'th');
        if (!nth) cell.scope = 'row';
        row.append(cell);
      });
    }
    cells.forEach((text, nth) => {
      const cell = row.cells[nth];
      if (cell.textContent === text) return;
      // Names may wrap at their dots.
      if (nth) cell.textContent = text;
      else cell.replaceChildren(...text.split(/(?<=\.)/).flatMap(part => [part, document.createElement('wbr')]));
    });
  });
}

function chart(minutes) {
  const svg = at('chart');
  const peak = Math.max(0, ...minutes);
  set('peak', number(peak));
  while (svg.children.length > minutes.length) svg.lastChild.remove();
  minutes.forEach((rate, index) => {
    let bar = svg.children[index];
    if (!bar) {
      bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      bar.setAttribute('width', '8');
      svg.append(bar);
    }
    const height = peak > 0 ? Math.max(1, rate / peak * 78) : 0;
    bar.setAttribute('x', String(600 - (minutes.length - index) * 10));
    bar.setAttribute('y', String(80 - height));
    bar.setAttribute('height', String(height));
  });
}

function show(report) {
  const { throughput, lag, log, collections, subscribers } = report;
  set('version', report.version);
  set('state', report.ready ? 'ready' : 'not ready: ' + report.reasons.join(', '));
  at('state').className = 'badge ' + (report.ready ? 'good' : 'bad');
  set('now', number(throughput.now.events_per_second));
  set('now-bytes', bytes(throughput.now.bytes_per_second) + '/s of JSON');
  set('hour', number(throughput.last_hour.events_per_second));
  set('hour-span', number(throughput.last_hour.events) + ' events in ' + span(throughput.last_hour.seconds));
  const upstream = lag.upstream_seconds ?? lag.log_seconds;
  set('lag', upstream === null ? '–' : span(Math.max(upstream, 0)));
  set('lag-log', lag.log_seconds === null ? 'no event yet' : lag.log_seconds < -1 ?
    'log times are ' + span(-lag.log_seconds) + ' ahead of this clock' : span(Math.max(lag.log_seconds, 0)) + ' from the log to this node');
  set('subscribers', number(subscribers.total));
  set('replaying', number(subscribers.replaying) + ' replaying');
  chart(throughput.minutes);
  set('collections-caption', 'The busiest collections of the last ' + span(collections.seconds) + ', ' +
    number(collections.known) + ' known. Totals count from startup.');
  const named = collections.rows.map(row => [
    row.name + (row.silent ? ' (silent)' : ''), number(row.events_per_second),
    row.usual_per_second === null ? '–' : number(row.usual_per_second), number(row.events),
    row.last_time_us === null ? '–' : seen(row.last_time_us, report.time_us),
  ]);
  if (collections.other.rows > 0) {
    named.push([collections.other.rows + ' others', number(collections.other.events_per_second), '', number(collections.other.events), '']);
  }
  rows('collections', named);
  collections.rows.forEach((row, index) => at('collections').rows[index].classList.toggle('silent', row.silent));
  const { cluster } = report;
  set('silent', cluster.age_seconds === null ? 'The cluster state is not known yet.' : (cluster.silent_collections === 0
    ? 'None of ' + number(cluster.collections) + ' collections is unusually silent.'
    : number(cluster.silent_collections) + ' of ' + number(cluster.collections) + ' collections are unusually silent.') +
    (cluster.age_seconds < 60 ? '' : ' As of ' + span(cluster.age_seconds) + ' ago.'));
  rows('members', cluster.members.map(member => [
    member.part + ' ' + member.name, member.role + (member.ready ? '' : ', not ready'), member.version, seen(member.since_us, report.time_us),
  ]));
  at('silent').classList.toggle('alarm', cluster.silent_collections > 0);
  const forms = {
    plain: 'form: JSON', zstd: 'form: zstd', v0: 'form: v0', v2c: 'form: v2c', sse: 'form: server-sent events', ndjson: 'form: NDJSON',
    v2: 'form: v2', v2_zstd: 'form: v2 zstd', v2_zstd_previous: 'form: v2 zstd, previous dictionary',
  };
  rows('kinds', [
    ['live', number(subscribers.live)],
    ['catching up from memory', number(subscribers.behind)],
    ['replaying from the log', number(subscribers.replaying)],
    ['waiting for options', number(subscribers.waiting)],
    ...Object.entries(forms).map(([form, name]) => [name, number(subscribers.by_form[form])]),
  ]);
  const place = (name, it) => [name, it ? String(it.time_us ?? it.seq) : '–', it && it.time_us ? clock(it.time_us) : '–'];
  rows('log', [place('oldest', log.oldest), place('newest', log.newest)]);
  set('since', clock(report.time_us - report.uptime_seconds * 1e6) + ' UTC');
  const known = at('known');
  if (known.children.length === 0) {
    for (const row of collections.rows.filter(row => row.name.includes('.')).slice(0, 20)) {
      known.append(new Option(row.name));
    }
  }
}

// With too many live viewers the page polls instead.
let polling = null;
async function poll() {
  try {
    const response = await fetch('status', { cache: 'no-store' });
    if (response.ok) show(await response.json());
  } catch {
    lost();
  }
}
function lost() {
  set('state', 'no connection');
  at('state').className = 'badge bad';
}
function watch() {
  const live = new EventSource('status/live');
  live.onmessage = message => {
    clearInterval(polling);
    polling = null;
    show(JSON.parse(message.data));
  };
  live.onerror = () => {
    polling ??= setInterval(poll, 5000);
    if (live.readyState === EventSource.CLOSED) setTimeout(watch, 15000);
    lost();
    poll();
  };
}
watch();

const MOST = 100;
let socket = null;
let received = 0;
let arrived = [];
function say(text) { set('try-state', text); }
function query() {
  const wanted = at('wanted').value.split(/[\s,]+/).filter(name => name);
  const parameter = isV2() ? 'collections' : 'wantedCollections';
  return wanted.length ? '?' + new URLSearchParams(wanted.map(name => [parameter, name])) : '';
}
function isV2() { return at('stream').value !== 'subscribe'; }
// A message of v2 in the form of v1, as far as it is shown.
function v1(message) {
  const event = message.payload;
  if (!event) return message;
  const kind = event.$type.split('#')[1];
  return { kind, did: event.did ?? event.message, commit: kind === 'commit' ? event : null };
}
function summary(event) {
  const commit = event.commit;
  if (!commit) return [event.kind, event.did];
  const record = commit.record ?? {};
  const text = [record.text, record.displayName, record.name, record.subject?.uri, record.subject].find(it => typeof it === 'string');
  return [commit.collection + ' ' + commit.operation, text || commit.rkey];
}
// Draws a few times per second, for any rate of events.
function draw() {
  if (arrived.length) {
    const list = at('events');
    const items = arrived.slice(-MOST).reverse().map(event => {
      const item = document.createElement('li');
      const what = document.createElement('b');
      const [title, text] = summary(event);
      what.textContent = title;
      item.append(what, ' ', text.slice(0, 200));
      return item;
    });
    arrived = [];
    list.prepend(...items);
    while (list.children.length > MOST) list.lastChild.remove();
  }
  set('received', number(received));
}
function disconnect() { socket?.close(); }
function connect() {
  const url = new URL(at('stream').value + query(), location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  received = 0;
  arrived = [];
  at('events').replaceChildren();
  say('Connecting …');
  const mine = socket = new WebSocket(url);
  let drawing = null;
  at('go').textContent = 'Disconnect';
  mine.onopen = () => {
    say('Connected; events received: ');
    // Screen readers do not announce every change of the count.
    const count = document.createElement('span');
    count.id = 'received';
    count.setAttribute('aria-live', 'off');
    at('try-state').append(count);
    draw();
    drawing = setInterval(draw, 250);
  };
  mine.onmessage = message => {
    received += 1;
    arrived.push(v1(JSON.parse(message.data)));
    if (arrived.length > MOST) arrived.shift();
  };
  mine.onclose = async closed => {
    clearInterval(drawing);
    at('go').textContent = 'Connect';
    socket = null;
    if (drawing !== null) return say('Disconnected' + (closed.reason ? ': ' + closed.reason : '.'));
    // The reason is in the body of the refusal, which WebSocket clients cannot read.
    const refused = await fetch(url.href.replace(/^ws/, 'http')).then(it => it.text()).catch(() => 'no connection');
    say('Refused: ' + (refused.startsWith('{') ? JSON.parse(refused).message : refused));
  };
}
at('try').addEventListener('submit', event => {
  event.preventDefault();
  if (socket) disconnect(); else connect();
});
function example() {
  const [program, path] = isV2() ? ['websocat', at('stream').value] : ['curl -N', 'events'];
  const url = new URL(path, location.href).href;
  at('curl').textContent = program + " '" + (isV2() ? url.replace('http', 'ws') : url) + query() + "'";
}
at('wanted').addEventListener('input', example);
at('stream').addEventListener('input', example);
example();
