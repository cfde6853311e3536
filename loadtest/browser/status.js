// The status page in a real browser: live numbers, the "try it" panel, nothing on the console, at two widths and in
// both colour schemes. Usage: node status.js URL BROWSER FOLDER. The last line it prints is `ok`.
import { chromium } from 'playwright-core';

const [url, executablePath, folder] = process.argv.slice(2);
const PATIENCE = 30_000;

function ensure(fact, words) {
  if (!fact) throw new Error(words);
}

// What a page must be for everybody: no part outside of the screen, names for what is operated, contrast.
function audit() {
  const complaints = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) complaints.push(`wider than ${width}`);
  for (const node of document.querySelectorAll('main, header, footer, h1, table caption, th[scope]')) {
    if (!node.textContent.trim()) complaints.push(`empty ${node.tagName}`);
  }
  for (const part of document.querySelectorAll('.scroll')) {
    if (part.scrollWidth > part.clientWidth) complaints.push('columns out of sight');
  }
  for (const cell of document.querySelectorAll('th, td')) {
    if (cell.scrollWidth > cell.clientWidth + 1) complaints.push(`cut off: ${cell.textContent}`);
  }
  for (const field of document.querySelectorAll('input')) {
    if (!field.labels.length) complaints.push(`no label: ${field.id}`);
  }
  const channels = color => color.match(/[\d.]+/g).map(Number);
  const luminance = color => {
    const [r, g, b] = channels(color).slice(0, 3).map(value => {
      const part = value / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = node => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      const [, , , alpha = 1] = channels(color);
      if (alpha > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!own || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'OPTION'].includes(node.tagName)) continue;
    const [light, dark] = [luminance(getComputedStyle(node).color), luminance(background(node))].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) complaints.push(`contrast ${contrast.toFixed(2)}: ${node.tagName} ${node.id} ${node.textContent.slice(0, 30)}`);
  }
  return complaints;
}

async function look(browser, width, colorScheme) {
  const name = `${width}-${colorScheme}`;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const noise = [];
  page.on('console', message => noise.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', error => noise.push(String(error)));
  page.on('requestfailed', request => noise.push(`${request.url()}: ${request.failure()?.errorText}`));
  const text = id => page.locator(`#${id}`).textContent();
  const number = async id => Number((await text(id)).replaceAll(',', ''));
  const until = (fact, argument) => page.waitForFunction(fact, argument, { timeout: PATIENCE });

  const response = await page.goto(url);
  ensure(response.headers()['content-security-policy']?.includes("default-src 'none'"), 'no policy');
  await until(() => document.getElementById('state').textContent === 'ready');
  await until(() => Number(document.getElementById('now').textContent.replaceAll(',', '')) > 0);
  await until(() => document.querySelectorAll('#collections tr').length > 3);

  // Live: the count of the busiest collection and the newest cursor change without anybody doing anything.
  const before = await page.locator('#collections td').nth(2).textContent();
  const cursor = await page.locator('#log tr').nth(1).locator('td').first().textContent();
  await until(before => document.querySelectorAll('#collections td')[2].textContent !== before, before);
  await until(cursor => document.querySelectorAll('#log tr')[1].cells[1].textContent !== cursor, cursor);

  // The same from the JSON status, a moment later.
  const status = await page.evaluate(() => fetch('status').then(it => it.json()));
  ensure(status.ready && status.throughput.events > 0, JSON.stringify(status));
  const shown = await number('now');
  const reported = status.throughput.now.events_per_second;
  ensure(Math.abs(shown - reported) < Math.max(20, reported), `${shown} and ${reported} events per second`);

  await page.locator('#wanted').fill('app.bsky.feed.post  app.bsky.feed.like');
  await page.locator('#go').click();
  await until(() => document.querySelectorAll('#events li').length >= 5);
  await until(() => Number(document.getElementById('received')?.textContent) >= 5);
  const titles = await page.locator('#events b').allTextContents();
  const unwanted = titles.filter(title => !/^app\.bsky\.feed\.(post|like) |^(identity|account)$/.test(title));
  ensure(unwanted.length === 0, `not asked for: ${unwanted}`);
  ensure(titles.some(title => title.startsWith('app.bsky.feed.')), `no commit among ${titles}`);
  await until(() => Number(document.getElementById('subscribers').textContent) >= 2);

  const complaints = await page.evaluate(audit);
  ensure(complaints.length === 0, `${name}: ${complaints.join('; ')}`);
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  await page.locator('#go').click();
  await until(() => document.getElementById('try-state').textContent.startsWith('Disconnected'));
  await page.locator('#stream').selectOption({ label: 'v2' });
  await page.locator('#go').click();
  await until(() => document.querySelectorAll('#events li').length >= 5);
  const v2 = await page.locator('#events b').allTextContents();
  ensure(v2.some(title => title.startsWith('app.bsky.feed.')), `no commit of v2 among ${v2}`);
  await page.locator('#go').click();
  await until(() => document.getElementById('try-state').textContent.startsWith('Disconnected'));
  await page.locator('#stream').selectOption({ label: '/subscribe' });
  ensure(noise.length === 0, `${name}: on the console: ${noise.join('; ')}`);

  // A refusal is shown in the node's words. The browser itself logs the failed handshake, so this comes last.
  await page.locator('#wanted').fill('no-collection');
  await page.locator('#go').click();
  await until(() => document.getElementById('try-state').textContent.includes('invalid collection: no-collection'));
  await page.close();
  console.log(`${name}: live numbers, ${titles.length} events in the panel, nothing on the console`);
}

// The README's pictures: what flows, without the panel to try it, whose posts need fonts for every script.
async function portray(browser, colorScheme) {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, colorScheme });
  await page.goto(url);
  await page.waitForFunction(() => document.querySelectorAll('#collections tr').length > 3, null, { timeout: PATIENCE });
  await page.waitForFunction(() => Number(document.getElementById('now').textContent.replaceAll(',', '')) > 0);
  await page.evaluate(() => { document.querySelector('[aria-labelledby=h-try]').hidden = true; });
  await page.screenshot({ path: `${folder}/status-${colorScheme}.png` });
  await page.close();
}

// A page of another origin reads the events as a page with EventSource does.
async function elsewhere(browser) {
  const page = await browser.newPage();
  // The same machine by another name is another origin.
  await page.goto(url.replace('127.0.0.1', 'localhost') + 'status');
  ensure(await page.evaluate(() => location.origin) !== new URL(url).origin, 'the same origin');
  const ids = await page.evaluate(url => new Promise((resolve, reject) => {
    const ids = [];
    const source = new EventSource(`${url}events?cursor=1`);
    source.onmessage = event => {
      ids.push(Number(event.lastEventId));
      if (JSON.parse(event.data).time_us !== Number(event.lastEventId)) reject(new Error('an id is not its time'));
      if (ids.length === 20) { source.close(); resolve(ids); }
    };
    source.onerror = () => reject(new Error('EventSource failed'));
  }), url);
  ensure(ids.every((id, at) => at === 0 || id > ids[at - 1]), `out of order: ${ids}`);
  await page.close();
  console.log('EventSource from another origin: 20 events in order');
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  for (const width of [390, 1280]) {
    for (const colorScheme of ['light', 'dark']) await look(browser, width, colorScheme);
  }
  await elsewhere(browser);
  for (const colorScheme of ['light', 'dark']) await portray(browser, colorScheme);
  console.log('ok');
} finally {
  await browser.close();
}
