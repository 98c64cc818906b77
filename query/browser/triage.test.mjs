// The triage page: its groups, filters, links, and hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served();

before(async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS' });
  // Two runs a day for eight days, the last one an hour ago.
  for (let index = 0; index < 16; index++) {
    const timestamp = NOW - 3600 - (15 - index) * DAY / 2;
    for (const style of ['Release', 'Debug']) {
      await upload(server.url, {
        style, timestamp, start: timestamp + 60,
        results: {
          'new.html': leaf(index >= 13 ? 'TEXT' : 'PASS'),
          'new-in-debug.html': leaf(index >= 13 && style === 'Debug' ? 'CRASH' : 'PASS'),
          'still.html': leaf(index >= 4 ? 'TIMEOUT' : 'PASS'),
          'fixed.html': leaf(index >= 8 && index < 14 ? 'TEXT' : 'PASS'),
          'flaky.html': leaf(index % 3 ? 'PASS' : 'TEXT'),
          // A run in which nearly everything fails would not count.
          steady: Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.html`, leaf('PASS')])),
          'expected.html': { actual: 'FAIL', expected: 'FAIL' },
          hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf(index >= 4 ? 'CRASH' : 'PASS')])),
        },
      });
    }
  }
});

const tests = (page, group) => page.getByRole('region', { name: `${group}: layout-tests` }).getByRole('rowheader').allTextContents();

test('every state is accessible', () => accessible(open, ['/triage', '/triage?suite=layout-tests&group=new', '/triage?platform=none', '/triage?days=1']));

test('what broke, still fails, was fixed and is flaky, the largest impact first', async () => {
  await open('/triage', { javaScriptEnabled: false }, async (page) => {
    assert.deepEqual(await tests(page, 'Newly failing'), ['new-in-debug.html', 'new.html']);
    const still = await tests(page, 'Still failing');
    assert.equal(still.length, HOSTILE.length + 1);
    assert.equal(still.at(-1), 'still.html');
    assert.deepEqual(await tests(page, 'Fixed'), ['fixed.html']);
    assert.deepEqual(await tests(page, 'Flaky'), ['flaky.html']);
    assert.match(await page.locator('.summary').textContent(), /2 newly failing.*1 fixed.*1 flaky/s);
    page.evaluate = async () => undefined;
  });
});

test('a row leads to the commits that may have broken it, and to where it fails', async () => {
  await open('/triage', {}, async (page) => {
    const row = page.getByRole('row').filter({ hasText: 'new-in-debug.html' });
    assert.match(await row.textContent(), /! crash.*Debug.*@main/s);
    assert.equal(await row.getByRole('img').getAttribute('aria-label'), 'Failed on 3 of the newest 16 commits');
    await row.getByRole('link', { name: /Debug/ }).click();
    await page.waitForURL(/style=Debug/);
    assert.match(await page.textContent('.summary'), /1 failing/);
    await page.goBack();
    await row.getByRole('link', { name: /@main/ }).click();
    await page.waitForURL(/after_uuid/);
    assert.equal(await page.locator('tbody tr').count(), 2);
  });
});

test('the list comes as CSV, a row for each test on each configuration', async () => {
  await open('/triage?suite=layout-tests&group=fixed', {}, async (page) => {
    const lines = (await (await fetch(await page.locator('.export a').first().evaluate((link) => link.href))).text()).trim().split('\n');
    assert.match(lines[0], /^test,group,state,since,before,impact,platform,/);
    assert.equal(lines.length, 3, lines.join('\n'));
    assert.ok(lines.slice(1).every((line) => line.startsWith('fixed.html,fixed,TEXT,')), lines.join('\n'));
  });
});

test('a filter that changes shows at once, keeps the focus, and goes back', async () => {
  await open('/triage', { allowed: /400/ }, async (page) => {
    await page.evaluate(() => { window.marked = true; });
    const shown = page.locator('select[name=group]');
    await shown.focus();
    await shown.selectOption('fixed');
    await page.waitForURL(/group=fixed/);
    await page.waitForFunction(() => document.querySelectorAll('th[scope=row]').length === 1);
    assert.equal(await page.evaluate(() => document.activeElement.name), 'group');
    assert.equal(await shown.inputValue(), 'fixed');
    await page.goBack();
    await page.waitForFunction(() => document.querySelectorAll('th[scope=row]').length > 1);
    // Something that is wrong is told in the page's place.
    const days = page.getByLabel('New within days');
    await days.evaluate((input) => input.removeAttribute('max'));
    await days.fill('99');
    await days.blur();
    await page.getByText('Days must be an integer from 1 to 14').waitFor();
    assert.equal(await page.evaluate(() => window.marked), true, 'the page was loaded anew');
  });
});

test('filters are in the address', async () => {
  await open('/triage', {}, async (page) => {
    await page.locator('select[name=group]').selectOption('fixed');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/group=fixed/);
    assert.deepEqual(await page.getByRole('rowheader').allTextContents(), ['fixed.html']);
    await page.getByLabel('Platform').fill('windows');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/platform=windows/);
    assert.equal(await page.getByRole('rowheader').count(), 0);
  });
});
