// The page of trends: plots, the tables behind them, change points, what leads there, and hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const DAYS = 40;
const { server, open } = await served();

before(async () => {
  for (let index = 0; index < DAYS; index++) {
    const timestamp = NOW - 3600 - (DAYS - 1 - index) * DAY;
    const leaf = (actual) => ({ actual, expected: 'PASS', time: 1000 + index });
    await upload(server.url, {
      timestamp, start: timestamp + 60, run_stats: { start_time: timestamp, end_time: timestamp + 600 },
      results: {
        'steady.html': leaf('PASS'), 'broke.html': leaf(index >= 30 ? 'TEXT' : 'PASS'),
        'flaky.html': leaf(index % 3 ? 'PASS' : 'TIMEOUT'),
        // So many pass that no run counts as broken as a whole.
        calm: Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.html`, leaf('PASS')])),
        hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf(index >= 30 ? 'CRASH' : 'PASS')])),
      },
    });
  }
});

// Another test breaks every other day, so that change points lie close together.
before(async () => {
  for (let index = 0; index < DAYS * 3; index++) {
    const timestamp = NOW - 3600 - (DAYS * 3 - 1 - index) * DAY / 3;
    const leaf = (actual) => ({ actual, expected: 'PASS', time: 1 });
    const broken = Array.from({ length: DAYS / 2 }, (_, number) => [`broke-${number}.html`, leaf(index >= (number + 1) * 6 ? 'TEXT' : 'PASS')]);
    const calm = Array.from({ length: DAYS }, (_, number) => [`${number}.html`, leaf('PASS')]);
    await upload(server.url, { suite: 'restless-tests', timestamp, start: timestamp + 60, results: Object.fromEntries([...broken, ...calm]) });
  }
});

const address = (test) => `/trends?suite=layout-tests&test=${encodeURIComponent(test)}`;
const plots = (page) => page.getByRole('img', { name: /of / });
const table = (page, name) => page.locator('details', { hasText: name }).first();

test('every state is accessible', () => accessible(open, [
  '/trends', address('flaky.html'), address('broke.html'), address('none.html'), '/trends?weeks=1&platform=none',
  ...HOSTILE.slice(0, 3).map((name) => address(`hostile/${name}`)),
]));

test('hostile names stay text', async () => {
  for (const name of HOSTILE) {
    await open(address(`hostile/${name}`), {}, async (page) => {
      assert.equal(await page.locator('main h2 a').textContent(), `hostile/${name}`);
      assert.equal(await plots(page).count(), 4);
    });
  }
});

test('the plots are there without a script, and each has a table behind it', async () => {
  await open(address('broke.html'), { javaScriptEnabled: false }, async (page) => {
    assert.equal(await plots(page).count(), 4);
    assert.equal(await page.locator('[data-key=runs] rect').count(), DAYS);
    const failures = page.locator('[data-key=failures]');
    assert.ok(await failures.locator('.first circle').count() >= 5);
    assert.match(await failures.locator('.first title').last().textContent(), /^\d{4}-\d\d-\d\d: 100 % \((\d) of \1 results\)$/);
    await failures.locator('summary').first().click();
    const [newest] = await table(failures, 'Failure rate').locator('tbody tr').allInnerTexts();
    assert.match(newest, /100 %/);
    page.evaluate = async () => undefined;
  });
});

test('a change point is drawn in every plot, and leads to what is known of it', async () => {
  await open(address('broke.html'), {}, async (page) => {
    const marks = page.locator('.marks.wide a.broke');
    assert.equal(await marks.count(), 4);
    const [place, places] = [await marks.first().locator('line').last().getAttribute('x1'), []];
    places.push(...await page.locator('[data-key=runs] rect').evaluateAll((bars) => bars.map((bar) => bar.getAttribute('x'))));
    // The change is between the last day on which the test passed and the first on which it failed, give or take one.
    const [before, after] = [places.at(-13), places.at(-8)].map(parseFloat);
    assert.ok(before <= parseFloat(place) && parseFloat(place) <= after, `${place} is not between ${before} and ${after}`);
    const listed = page.getByRole('region', { name: 'Change points' }).getByRole('link');
    assert.equal(await listed.count(), 1);
    assert.equal(await listed.getAttribute('href'), await marks.first().getAttribute('href'));
    await listed.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/changes\?.*#/);
    assert.equal(await page.locator(`section[id="${new URL(page.url()).hash.slice(1)}"]`).count(), 1);
  });
});

test('a suite tells how many tests were flaky, and a test how much it failed by chance', async () => {
  await open('/trends?suite=layout-tests', {}, async (page) => {
    const told = await page.locator('[data-key=flakiness] circle title').allTextContents();
    assert.ok(told.length >= 5 && told.slice(0, 4).every((one) => /: 1 flaky tests?, /.test(one)), told.join('\n'));
  });
  await open(address('steady.html'), {}, async (page) => {
    assert.match(await page.locator('[data-key=flakiness] desc').textContent(), /largest 0 %/);
  });
});

test('triage, timelines and other pages lead there', async () => {
  for (const path of ['/triage?suite=layout-tests', '/suites?suite=layout-tests', '/?suite=layout-tests&test=broke.html',
    '/durations?suite=layout-tests', '/changes?suite=layout-tests', '/flaky?suite=layout-tests']) {
    await open(path, {}, async (page) => {
      await page.locator('main').getByRole('link', { name: 'Trends', exact: true }).first().click();
      await page.waitForURL(/\/trends\?suite=layout-tests/);
      assert.equal(await plots(page).count(), 4);
    });
  }
  await open('/triage?suite=layout-tests', {}, async (page) => {
    await page.locator('tr', { hasText: 'broke.html' }).locator('a.trend').click();
    await page.waitForURL(/\/trends\?suite=layout-tests&test=broke/);
  });
});

test('nothing is cut off on a phone', async () => {
  for (const path of ['/trends', address('broke.html')]) {
    await open(path, { viewport: { width: 390, height: 800 } }, async (page) => {
      for (const summary of await page.locator('summary').all()) await summary.click();
      const wide = await page.locator('.scroll, .card, details').evaluateAll((parts) => parts.map((part) => part.scrollWidth - part.clientWidth));
      assert.ok(wide.length > 5 && wide.every((width) => width <= 0), `${path} hides ${wide} px`);
      const ends = await page.locator('.plot svg text').evaluateAll((texts) => texts.map((text) => {
        const [own, frame] = [text.getBoundingClientRect(), text.closest('svg').getBoundingClientRect()];
        return own.right - frame.right;
      }));
      assert.ok(ends.length > 8 && ends.every((over) => over <= 0), `${path} cuts texts by ${ends} px`);
    });
  }
});

test('marks of change points do not touch, however narrow the screen is', async () => {
  for (const width of [390, 620, 1280]) {
    await open('/trends?suite=restless-tests', { viewport: { width, height: 800 } }, async (page) => {
      const frames = page.locator('.plot svg');
      const apart = await frames.evaluateAll((plots) => plots.map((plot) => {
        const shown = [...plot.querySelectorAll('.marks text')].filter((text) => text.getClientRects().length);
        const places = shown.map((text) => text.getBoundingClientRect()).sort((one, other) => one.left - other.left);
        return { count: places.length, gaps: places.slice(1).map(({ left }, index) => left - places[index].right) };
      }));
      assert.equal(apart.length, 4);
      for (const { count, gaps } of apart) {
        assert.ok(count > 2 && gaps.every((gap) => gap >= 1), `${count} marks at ${width} px are ${gaps} px apart`);
      }
    });
  }
});

test('the numbers come as CSV', async () => {
  await open(address('flaky.html'), {}, async (page) => {
    const [csv] = await page.locator('.export a').evaluateAll((links) => links.map((link) => link.href));
    const lines = (await (await fetch(csv)).text()).trim().split('\n');
    assert.equal(lines[0], 'part,from,runs,broken,results,unexpected,rate,timed,p50,p90,p99,flaky,spoilt,spoilt_rate');
    assert.equal(lines.filter((line) => line.startsWith('day,')).length, DAYS);
  });
});
