// The page of durations: chart, table, configurations, slowest tests, and hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served();

before(async () => {
  for (let index = 0; index < 20; index++) {
    const timestamp = NOW - 3600 - (19 - index) * DAY;
    for (const style of ['Release', 'Debug']) {
      // Debug takes three times as long for the last four days.
      const slow = style === 'Debug' && index >= 16;
      const leaf = (time) => ({ actual: 'PASS', expected: 'PASS', time });
      await upload(server.url, {
        style, timestamp, start: timestamp + 60,
        run_stats: { start_time: timestamp, end_time: timestamp + (slow ? 1800 : 600) },
        results: {
          'steady.html': leaf(1500), 'grown.html': leaf(slow ? 30_000 : 2000), 'untimed.html': { actual: 'PASS' },
          hostile: Object.fromEntries(HOSTILE.map((name, number) => [name, leaf(10 + number)])),
        },
      });
    }
  }
});

const rows = (page, name) => page.getByRole('region', { name }).locator('tbody tr').allTextContents();

test('every state is accessible', () => accessible(open, [
  '/durations', '/durations?suite=layout-tests&test=grown.html', '/durations?suite=layout-tests&test=untimed.html',
  '/durations?weeks=1&platform=none',
]));

test('the first screen says where it became slower, without a script', async () => {
  await open('/durations', { javaScriptEnabled: false }, async (page) => {
    assert.match(await page.textContent('.summary'), /slower on 1 of 2/);
    const [debug, release] = await rows(page, 'Durations by configuration');
    assert.match(debug, /Debug.*slower.*10 min 0 s.*30 min 0 s/s);
    assert.doesNotMatch(release, /slower/);
    page.evaluate = async () => undefined;
  });
});

test('a configuration leads to its slowest tests, and those to their own durations', async () => {
  await open('/durations', {}, async (page) => {
    await page.getByRole('link', { name: /Debug/ }).click();
    await page.waitForURL(/style=Debug/);
    const [first] = await rows(page, 'Slowest tests');
    assert.match(first, /grown\.html slower.*30\.0 s.*2\.0 s.*19/s);
    assert.equal((await rows(page, 'Slowest tests')).length, HOSTILE.length + 2);
    await page.getByRole('link', { name: 'grown.html' }).click();
    await page.waitForURL(/test=grown/);
    // The style that was chosen stays chosen.
    assert.match(page.url(), /style=Debug/);
    const found = await rows(page, 'Durations by configuration');
    assert.equal(found.length, 1);
    assert.match(found[0], /Mac 14\.2\.0 slower.*30\.0 s/s);
  });
});

test('nothing is cut off on a phone', async () => {
  for (const path of ['/durations', '/durations?suite=layout-tests&test=grown.html']) {
    await open(path, { viewport: { width: 390, height: 800 } }, async (page) => {
      const hidden = await page.locator('.scroll').evaluateAll((frames) => frames.map((frame) => frame.scrollWidth - frame.clientWidth));
      assert.ok(hidden.length > 0 && hidden.every((width) => width <= 0), `${path} hides ${hidden} px`);
    });
  }
});

test('the chart shows what the table says', async () => {
  await open('/durations?suite=layout-tests&test=grown.html&style=Debug', {}, async (page) => {
    const canvas = page.locator('.chart canvas');
    await canvas.waitFor();
    const points = await page.locator('tr[data-point]').count();
    assert.ok(points >= 19, `${points} points`);
    // Not every pixel is the background's.
    const colours = await canvas.evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    });
    assert.ok(colours > 3, `${colours} colours`);
    const box = await page.locator('.chart .u-over').boundingBox();
    await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
    await page.waitForFunction(() => /30 s/.test(document.querySelector('.u-legend').textContent));
    await page.setViewportSize({ width: 600, height: 800 });
    await page.waitForFunction(() => document.querySelector('.chart canvas').clientWidth < 600);
  });
});

test('the numbers come as CSV', async () => {
  await open('/durations?suite=layout-tests&test=steady.html', {}, async (page) => {
    const [csv] = await page.locator('.export a').evaluateAll((links) => links.map((link) => link.href));
    const lines = (await (await fetch(csv)).text()).trim().split('\n');
    assert.equal(lines[0], 'from,runs,p50,p95,longest');
    assert.ok(lines.length >= 20 && lines.slice(1).every((line) => line.endsWith(',1500,1500,1500')), lines.join('\n'));
  });
});
