// The triage page: its groups, filters, links, and hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, overflow, served, upload } from './support.mjs';

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

// A test is named by the first link of its row; what is known of it stands below.
const names = (within) => within.locator('th[scope=row] > a:first-child').allTextContents();
const tests = (page, group) => names(page.getByRole('region', { name: `${group}: layout-tests` }));

test('every state is accessible', () => accessible(open, ['/triage', '/triage?suite=layout-tests&group=new', '/triage?platform=none', '/triage?days=1',
  '/triage?q=css', '/triage?q=bug:any']));

test('what broke, still fails, was fixed and is flaky, the largest impact first', async () => {
  await open('/triage', { javaScriptEnabled: false }, async (page) => {
    assert.deepEqual(await tests(page, 'Newly failing'), ['new-in-debug.html', 'new.html']);
    const still = await tests(page, 'Still failing');
    assert.equal(still.length, HOSTILE.length + 1);
    assert.equal(still.at(-1), 'still.html');
    assert.deepEqual(await tests(page, 'Fixed'), ['fixed.html']);
    assert.match(await page.getByRole('row').filter({ hasText: 'fixed.html' }).textContent(), /98 % sure after 2 passes/);
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
    assert.equal(await page.locator('tbody tr').count(), 1);
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
    assert.deepEqual(await names(page), ['fixed.html']);
    await page.getByLabel('Platform').fill('windows');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/platform=windows/);
    assert.equal(await page.getByRole('rowheader').count(), 0);
  });
});

test('a search has a term for everything that is known of a test, and says what is wrong with it', async () => {
  await open('/triage', {}, async (page) => {
    const box = page.getByLabel('Tests', { exact: true });
    const found = async (text, expected) => {
      await box.fill(text);
      await box.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('q') === text);
      assert.deepEqual(await names(page), expected, text);
    };
    await found('new -count:>1', ['new-in-debug.html']);
    await found('state:timeout', ['still.html']);
    await found('status:new,fixed only:debug', ['new-in-debug.html']);
    await found('/^(fixed|still)/ -status:still', ['fixed.html']);
    await page.getByText('What the search takes').click();
    await page.getByText('on such configurations and no others').waitFor();
    await found('nothing*', []);
    await page.getByText('matches the search').first().waitFor();
  });
  const wrong = await fetch(`${server.url}/triage?q=stauts:new`);
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /did you mean .*status:/);
});

test('a bug that is linked on a test\u2019s page stands beside its failures until it is unlinked', async () => {
  await open('/?suite=layout-tests&test=still.html', {}, async (page) => {
    await page.getByText('Link a bug').click();
    await page.getByLabel('Page of the bug').fill('https://bugs.example.org/show?id=4711');
    await page.getByLabel('Where').selectOption({ label: await page.getByLabel('Where').locator('option').nth(1).textContent() });
    await page.getByLabel('Note').fill(HOSTILE[0]);
    await page.getByRole('button', { name: 'Link', exact: true }).click();
    await page.getByText('Known: bug 4711').waitFor();
    assert.ok((await page.locator('.known').textContent()).includes(HOSTILE[0]));
  });
  await open('/?suite=layout-tests&test=still.html', { viewport: { width: 390, height: 800 } }, async (page) => {
    await page.getByText('Link a bug').click();
    await page.getByLabel('Note').waitFor();
    assert.equal(await overflow(page), 0);
  });
  await accessible(open, ['/?suite=layout-tests&test=still.html', '/triage?q=bug:any', '/flaky?q=bug:any', '/investigate?q=bug:any']);
  for (const path of ['/triage?q=bug:4711', '/investigate?q=bug:4711']) {
    await open(path, {}, async (page) => {
      const bug = page.getByRole('link', { name: 'bug 4711' });
      assert.equal(await bug.count(), 1, path);
      assert.equal(await bug.getAttribute('href'), 'https://bugs.example.org/show?id=4711');
    });
  }
  await open('/?suite=layout-tests&test=still.html', { javaScriptEnabled: false }, async (page) => {
    await page.getByRole('button', { name: 'Unlink bug 4711' }).click();
    await page.waitForURL(/test=still/);
    assert.equal(await page.getByText('Known:').count(), 0);
    page.evaluate = async () => undefined;
  });
});
