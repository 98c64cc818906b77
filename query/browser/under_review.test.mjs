// The page of a change under review, the list of them, and the page of new tests: what they say, and hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served();

const leaf = (actual) => ({ actual, expected: 'PASS', log: `${actual} of <i>7</i>`, time: 20 });
const steady = Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.html`, leaf('PASS')]));

before(async () => {
  // Two runs of the trunk a day; the last three have a test that is new.
  for (let index = 0; index < 16; index++) {
    const timestamp = NOW - 7200 - (15 - index) * DAY / 2;
    const young = index >= 13 ? { 'young.html': leaf('PASS'), ...Object.fromEntries(HOSTILE.map((name) => [name, leaf('PASS')])) } : {};
    const results = { steady, 'broken.html': leaf(index >= 6 ? 'TEXT' : 'PASS'), 'mended.html': leaf(index >= 6 ? 'TEXT' : 'PASS'),
      'new.html': leaf('PASS'), 'early.html': leaf('PASS'), ...young };
    await upload(server.url, { timestamp, start: timestamp + 60, results });
  }
  // A change with two commits, and a rerun of the second.
  const change = async (id, after, start, failed, more = {}) => {
    const state = (name) => leaf(failed.includes(name) ? 'CRASH' : 'PASS');
    const broken = failed.includes('broken.html') ? leaf('TEXT') : leaf('PASS');
    await upload(server.url, {
      timestamp: NOW - 7000 + after, start: NOW - 6900 + after + start, commit: { branch: `change/${id}`, identifier: undefined },
      results: { steady, 'broken.html': broken, 'mended.html': leaf('PASS'), 'new.html': state('new.html'),
        'early.html': state('early.html'), 'young.html': leaf('PASS'), ...more },
      more: { change: { id, authors: ['<b>Ann</b>'] }, run: { link: 'https://ci.example.org/7' } },
    });
  };
  const hostile = Object.fromEntries(HOSTILE.map((name) => [name, leaf('TEXT')]));
  await change('7', 0, 0, ['early.html', 'broken.html']);
  await change('7', 100, 0, ['new.html', 'broken.html'], hostile);
  await change('7', 100, 10, ['new.html', 'broken.html'], { 'brought.html': leaf('PASS') });
  await change('eng/<i>a</i>?b#c', 0, 0, []);
});

const tests = (page, group) => page.getByRole('region', { name: `${group}: layout-tests` }).getByRole('rowheader').allTextContents();

test('every state is accessible', () => accessible(open, ['/change', '/change/7', '/change?id=7', '/new-tests', '/new-tests?suite=layout-tests&days=1',
  '/new-tests?platform=none']));

test('a change says what it broke, mended and brings, without a script', async () => {
  await open('/change/7', { javaScriptEnabled: false }, async (page) => {
    assert.match(await page.locator('.summary').textContent(), /failure.*1 new failure.*1 known failing.*1 mended by a later commit.*1 fixed/s);
    assert.equal((await tests(page, 'New')).length, 1);
    assert.match((await tests(page, 'New'))[0], /^new\.html\s+CRASH of <i>7<\/i>$/);
    assert.equal((await tests(page, 'Known failing')).length, 1);
    assert.match((await tests(page, 'Mended by a later commit'))[0], /^early\.html/);
    assert.deepEqual(await tests(page, 'Fixed'), ['mended.html']);
    assert.match(await page.getByRole('region', { name: 'Where it ran: layout-tests' }).textContent(), /the newest that was tested before/);
    const runs = page.getByRole('region', { name: 'Runs: layout-tests' });
    assert.equal(await runs.getByRole('row').count(), 4);
    assert.match(await runs.textContent(), /Rerun 1/);
    page.evaluate = async () => undefined;
  });
});

test('failures lead to their history in the change, runs to their failures, and back', async () => {
  await open('/change/7', {}, async (page) => {
    await page.getByRole('region', { name: 'New: layout-tests' }).getByRole('link', { name: 'new.html' }).click();
    await page.waitForURL(/branch=change%2F7/);
    assert.match(await page.textContent('h2'), /new\.html/);
    await page.goBack();
    await page.getByRole('link', { name: /^Rerun 1/ }).click();
    await page.waitForURL(/\/investigate/);
    assert.match(await page.textContent('#content'), /new\.html/);
    await page.getByRole('link', { name: 'change 7' }).first().click();
    await page.waitForURL(/\/change\/7$/);
  });
});

test('changes are listed, found by their ids, and led to from what changed', async () => {
  await open('/changes', {}, async (page) => {
    await page.getByRole('link', { name: 'Under review' }).click();
    await page.waitForURL(/\/change$/);
    assert.deepEqual((await page.getByRole('rowheader').allTextContents()).sort(), ['7', 'eng/<i>a</i>?b#c']);
    await page.getByRole('link', { name: 'eng/<i>a</i>?b#c' }).click();
    assert.equal(await page.textContent('h1'), 'Change eng/<i>a</i>?b#c All changes');
    await page.getByRole('link', { name: 'All changes' }).click();
    await page.getByLabel('Change', { exact: true }).fill('7');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/id=7/);
    assert.equal(await page.textContent('h1'), 'Change 7 All changes');
  });
});

test('new tests say how many more runs would tell', async () => {
  await open('/flaky', {}, async (page) => {
    await page.getByRole('link', { name: 'New tests' }).click();
    // The suite that was looked at stays chosen.
    await page.waitForURL(/\/new-tests\?suite=layout-tests/);
    const rows = await page.getByRole('rowheader').allTextContents();
    assert.equal(rows.length, HOSTILE.length + 1);
    const row = page.getByRole('row').filter({ hasText: 'young.html' });
    assert.match(await row.textContent(), /passing.*0 of 3.*56 more.*20 ms/s);
    await page.getByLabel('Came within days').fill('1');
    await page.getByLabel('Came within days').blur();
    await page.waitForURL(/days=1/);
    await page.getByText('Choose a longer time or another suite').waitFor();
  });
});
