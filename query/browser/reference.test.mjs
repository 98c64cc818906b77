// The pages of resultsdbpy, as its package has them, on this project's API.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { served, stop, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const PATIENCE_MS = 240_000;
// What its own investigate page does wherever its data come from: it draws a list before it has one.
const ITS_OWN = /^state is not iterable$/;
const { server, browser } = await served();
let front, url;

async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

before(async () => {
  for (let index = 0; index < 6; index++) {
    const timestamp = NOW - 86400 + index * 3600;
    await upload(server.url, { timestamp, start: timestamp + 60, results: { 'a.html': { actual: index > 3 ? 'TEXT' : 'PASS', expected: 'PASS' } } });
  }
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  front = spawn('bench/peer/run.sh', ['front', String(port), server.url], { cwd: new URL('../..', import.meta.url).pathname, stdio: 'ignore' });
  const deadline = Date.now() + PATIENCE_MS;
  // The first start installs the package.
  while (!(await fetch(`${url}/__health`).then((answer) => answer.ok, () => false))) {
    assert.ok(front.exitCode === null && Date.now() < deadline, 'the front end does not start: bench/peer/run.sh front');
  }
}, { timeout: PATIENCE_MS + 60_000 });
after(async () => {
  if (front?.exitCode === null) await stop(front);
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
