// Badges: what they say, that hostile names stay text in them, and that nobody shows an old one.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served();

before(async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS' });
  for (let index = 0; index < 8; index++) {
    const timestamp = NOW - DAY - (8 - index) * 3600;
    for (const style of ['Release', 'Debug']) {
      const results = {
        css: { 'broken.html': leaf(index > 4 ? 'CRASH' : 'PASS'), 'debug.html': leaf(index > 4 && style === 'Debug' ? 'TEXT' : 'PASS'),
          'flaky.html': leaf(index % 2 ? 'PASS' : 'TEXT'), 'steady.html': leaf('PASS') },
        hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf('CRASH')])),
      };
      await upload(server.url, { style, timestamp, start: timestamp + 60, results });
      await upload(server.url, { suite: 'calm-tests', style, timestamp, start: timestamp + 60, results: { 'a.html': leaf('PASS') } });
    }
  }
  const retired = NOW - 20 * DAY;
  await upload(server.url, { suite: 'old-tests', timestamp: retired, start: retired, results: { 'a.html': leaf('PASS') } });
});

const path = (suite, name) => `/badge/${suite}${name ? `/${name.split('/').map(encodeURIComponent).join('/')}` : ''}.svg`;

test('a badge says what the timeline says', async () => {
  for (const [address, words] of [
    [path('calm-tests'), 'passing'],
    [path('layout-tests'), '2 failing'],
    [path('layout-tests', 'css/broken.html'), '2 failing'],
    [path('layout-tests', 'css/debug.html'), '1 failing'],
    [`${path('layout-tests', 'css/debug.html')}?style=Release`, 'passing'],
    [path('layout-tests', 'css/flaky.html'), 'flaky'],
    [path('layout-tests', 'css/steady.html'), 'passing'],
    [path('layout-tests', 'css/none.html'), 'unknown'],
    [path('no-tests'), 'unknown'],
    [path('old-tests'), 'not run lately'],
    [`${path('calm-tests')}?platform=none`, 'not run lately'],
  ]) {
    await open(address, {}, async (page) => assert.equal(await page.locator('text').last().textContent(), words, address));
  }
});

test('hostile names stay text, and every badge is a picture', async () => {
  const addresses = [...HOSTILE.map((name) => path('layout-tests', `hostile/${name}`)), path(encodeURIComponent('<svg/onload=alert(1)>')),
    path('%01%EF%BF%BE')];
  for (const address of addresses) {
    await open(address, {}, async (page) => {
      assert.equal(await page.locator('parsererror, script, img').count(), 0, address);
      assert.equal(await page.locator('text').count(), 2);
      assert.ok((await page.locator('text').first().textContent()).length <= 80);
    });
  }
  await open('/documentation', {}, async (page) => {
    const sizes = await page.evaluate((addresses) => Promise.all(addresses.map(async (address) => {
      const image = Object.assign(new Image(), { src: address });
      await image.decode();
      return image.naturalWidth;
    })), addresses);
    assert.ok(sizes.every((size) => size > 40 && size < 500), `${sizes}`);
  });
});

test('a badge is asked for anew, and not sent again while it holds', async () => {
  const address = server.url + path('layout-tests', 'css/steady.html');
  const first = await fetch(address);
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  assert.match(first.headers.get('content-type'), /image\/svg\+xml/);
  const again = await fetch(address, { headers: { 'If-None-Match': first.headers.get('etag') } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${server.url}/badge/layout-tests`)).status, 404);
  assert.equal((await fetch(`${server.url}/badge/layout-tests.svg?x=1`)).status, 400);
});
