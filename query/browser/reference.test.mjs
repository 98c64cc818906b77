// The pages of resultsdbpy, as its package has them, on this project's API.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { served, stop, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const PATIENCE_MS = 300_000;
// What its own investigate page does wherever its data come from: it draws a list before it has one.
const ITS_OWN = /^state is not iterable$/;
const { server, browser } = await served();
let front, url;

// Where the front end listens, which it says on standard error.
async function listening(child) {
  for await (const line of createInterface({ input: child.stderr })) {
    const [, address] = line.match(/Running on (http:\S+)/) ?? [];
    if (address) return address;
  }
  throw new Error('the front end does not start: bench/peer/run.sh front');
}

before(async () => {
  for (let index = 0; index < 6; index++) {
    const timestamp = NOW - 86400 + index * 3600;
    await upload(server.url, { timestamp, start: timestamp + 60, results: { 'a.html': { actual: index > 3 ? 'TEXT' : 'PASS', expected: 'PASS' } } });
  }
  front = spawn('bench/peer/run.sh', ['front', '0', server.url],
    { cwd: new URL('../..', import.meta.url).pathname, stdio: ['ignore', 'ignore', 'pipe'] });
  // The first start installs the package.
  url = await listening(front);
  front.stderr.resume();
  assert.ok((await fetch(`${url}/__health`)).ok);
}, { timeout: PATIENCE_MS });
after(async () => {
  if (front) await stop(front);
});

for (const [path, seen] of [
  ['/?suite=layout-tests&test=a.html', 'a.html (layout-tests)'],
  ['/suites?suite=layout-tests', 'layout-tests'],
  ['/investigate?suite=layout-tests', 'a.html'],
  ['/commits', 'A change'],
]) {
  test(`${path} works`, async () => {
    const page = await browser.newPage();
    const wrong = [];
    let asked = 0;
    page.on('pageerror', ({ message }) => ITS_OWN.test(message) || wrong.push(message));
    page.on('response', (response) => {
      if (!response.url().includes('/api/')) return;
      asked += 1;
      if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(url + path, { waitUntil: 'networkidle' });
    await page.getByText(seen).first().waitFor();
    assert.deepEqual(wrong, []);
    assert.ok(asked > 0, 'it asked nothing of the API');
    await page.close();
  });
}
