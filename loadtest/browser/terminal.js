// A picture of a terminal: the command, and what it printed. Usage: node terminal.js TEXT BROWSER PICTURE, where the
// first line of the file TEXT is the command.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [file, executablePath, path] = process.argv.slice(2);
const escape = text => text.replace(/[&<>]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign]);
const [command, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
const printed = lines.map(line => {
  const [word, ...rest] = escape(line).split(' ');
  return /^[a-z]+$/.test(word) ? [`<b>${word}</b>`, ...rest].join(' ') : escape(line);
});

const page = `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: #fff }
  pre { margin: 0; padding: 20px 24px; width: max-content; background: #1b1f27; color: #d5dae3; border-radius: 8px;
        font: 14px/1.5 "DejaVu Sans Mono", "Liberation Mono", monospace }
  i { font-style: normal; color: #7fd18b } b { color: #8ab4f8; font-weight: normal }
</style><pre><i>$</i> ${escape(command)}\n${printed.join('\n')}</pre>`;

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const view = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  await view.setContent(page);
  await view.locator('pre').screenshot({ path, omitBackground: true });
  console.log('ok');
} finally {
  await browser.close();
}
