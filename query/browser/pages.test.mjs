// The pages in a real browser: keyboard, phone, dark mode, hostile names, accessibility.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served();

before(async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS', time: 12 });
  const hostile = Object.fromEntries(HOSTILE.map((name) => [name, leaf('CRASH')]));
  for (let index = 0; index < 12; index++) {
    const timestamp = NOW - DAY - (12 - index) * 3600;
    for (const style of ['Release', 'Debug']) {
      await upload(server.url, {
        style, timestamp, start: timestamp + 60,
        commit: index === 11 ? { message: '<script>window.harmed=1</script>', author: { name: '<b>Eve</b>', emails: ['eve@example.org'] } } : {},
        results: {
          fast: { 'steady.html': leaf('PASS'), 'regressed.html': leaf(index > 7 ? 'TEXT' : 'PASS'),
            'flaky.html': leaf(index % 3 ? 'PASS' : 'TIMEOUT'), 'expected.html': { actual: 'FAIL', expected: 'FAIL' } },
          hostile,
        },
      });
    }
  }
});

const query = (name) => `/?suite=layout-tests&test=${encodeURIComponent(name)}`;
const PAGES = ['/', '/?suite=layout-tests&test=', query('fast/regressed.html'), '/suites', '/suites?expected=show', '/investigate',
  '/flaky', '/flaky?suite=layout-tests&weeks=2', '/commits', '/documentation', '/dead-letters', '/admin/keys', '/admin/audit', '/sign-in', ...HOSTILE.map((name) => query(`hostile/${name}`))];

test('no page has an accessibility violation, in light and dark, on a desk and on a phone', () => accessible(open, PAGES));

test('the first content needs no script', async () => {
  await open(query('fast/regressed.html'), { javaScriptEnabled: false }, async (page) => {
    // Evaluating needs scripts; what the server sent is enough here.
    const html = await page.content();
    assert.match(html, /2 failing/);
    assert.equal(html.match(/<td class="fail">/g).length, 8);
    page.evaluate = async () => undefined;
  });
});

test('a verdict names the blame range', async () => {
  await open(query('fast/regressed.html'), {}, async (page) => {
    await page.locator('.verdict.bad a').first().click();
    await page.waitForURL(/commits\?after_uuid=/);
    assert.equal(await page.locator('tbody tr').count(), 1);
  });
  await open(query('fast/flaky.html'), {}, async (page) => assert.match(await page.textContent('.summary'), /2 flaky/));
});

test('without a script expected failures can be hidden too, and a run leads to its failures', async () => {
  await open(query('fast/expected.html'), { javaScriptEnabled: false }, async (page) => {
    assert.equal(await page.locator('td.fail').count(), 24);
    await page.getByRole('link', { name: 'Hide expected failures' }).click();
    await page.waitForURL(/expected=hide/);
    assert.equal(await page.locator('td.pass').count(), 24);
    await page.locator('td.pass a').first().click();
    await page.waitForURL(/investigate/);
    page.evaluate = async () => undefined;
  });
});

test('a page weighs little', async () => {
  await open(query('fast/regressed.html'), {}, async (page) => {
    const sizes = await page.evaluate(() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
      .map((entry) => entry.encodedBodySize));
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 150_000, `${sizes}`);
  });
});

test('the window is titled by what it shows', async () => {
  for (const [path, title] of [
    [query('fast/regressed.html'), 'fast/regressed.html in layout-tests'],
    ['/suites', 'Suites'],
    ['/investigate?suite=layout-tests', 'Failures of layout-tests'],
    ['/flaky?suite=layout-tests', 'Flaky tests of layout-tests'],
  ]) {
    await open(path, {}, async (page) => assert.equal(await page.title(), `Results Database: ${title}`));
  }
});
