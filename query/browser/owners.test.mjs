// Owners beside their tests, the pages of owners and of costs, and hostile names of both.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served('--set', 'owners=[{suite="layout-tests",pattern="css/*",owners=["@css","ada@example.org"]}]');
// What a file of owners may call one.
const OWNERS = HOSTILE.map((name) => name.slice(0, 100).trim());

before(async () => {
  const leaf = (actual, owners) => ({ actual, expected: 'PASS', time: 1500, ...(owners ? { owners } : {}) });
  for (let index = 0; index < 20; index++) {
    const timestamp = NOW - 3600 - (19 - index) * DAY / 4;
    await upload(server.url, {
      timestamp, start: timestamp + 60,
      results: {
        css: { 'new.html': leaf(index >= 17 ? 'TEXT' : 'PASS'), 'flaky.html': leaf(index % 3 ? 'PASS' : 'TEXT') },
        'free.html': leaf(index >= 17 ? 'TEXT' : 'PASS'),
        hostile: Object.fromEntries(HOSTILE.map((name, number) => [name, leaf(index % 2 ? 'CRASH' : 'PASS', [OWNERS[number]])])),
        steady: Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`${number}.html`, leaf('PASS')])),
      },
    });
  }
});

test('every state is accessible', () => accessible(open, ['/owners', '/owners?platform=none', '/costs', '/costs?by=owner', '/costs?by=week',
  '/costs?owner=@nobody', '/triage?owner=@css', '/flaky', '/investigate?suite=layout-tests&owner=none', '/changes?owner=@css']));

test('an owner leads to what newly fails, and to what flaky tests cost', async () => {
  await open('/owners', { javaScriptEnabled: false }, async (page) => {
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: '@css' }) });
    assert.match((await row.textContent()).replace(/\s+/g, ' '), /@css 1 0 1 \d+(\.\d)? (s|min)/);
    await row.getByRole('link', { name: '1' }).first().click();
    await page.waitForURL(/group=new&owner=%40css/);
    const names = await page.getByRole('rowheader').allTextContents();
    assert.deepEqual(names.map((name) => name.trim()), ['css/new.html @css ada@example.org']);
    await page.goBack();
    await row.getByRole('link', { name: / s$/ }).click();
    await page.waitForURL(/\/costs\?.*owner=%40css/);
    assert.match(await page.locator('.summary').textContent(), /1 flaky test spoilt\s+\d+ runs/);
    assert.equal(await page.getByRole('rowheader').count(), 1);
    page.evaluate = async () => undefined;
  });
});

test('tests that nobody owns are listed as such', async () => {
  await open('/owners', {}, async (page) => {
    await page.getByRole('link', { name: 'nobody' }).click();
    await page.waitForURL(/owner=none/);
    assert.deepEqual((await page.getByRole('rowheader').allTextContents()).map((name) => name.trim()), ['free.html']);
    assert.equal(await page.getByLabel('Owner').inputValue(), 'none');
  });
});

test('costs are told by test, owner and week, the most time first', async () => {
  await open('/costs', {}, async (page) => {
    const first = await page.getByRole('rowheader').first().textContent();
    assert.match(first.trim(), /^hostile\//);
    await page.locator('#by-by').selectOption('week');
    await page.waitForURL(/by=week/);
    await page.getByRole('rowheader', { name: /^\d{4}-\d{2}-\d{2}$/ }).first().waitFor();
    await page.locator('#by-by').selectOption('owner');
    await page.waitForURL(/by=owner/);
    await page.getByRole('rowheader', { name: '@css', exact: true }).waitFor();
  });
});

test('hostile owners stay text, and find their tests', async () => {
  for (const owner of OWNERS.slice(0, 5)) {
    await open(`/triage?owner=${encodeURIComponent(owner)}`, {}, async (page) => {
      assert.equal(await page.getByRole('rowheader').count(), 1, owner);
    });
  }
});
