// The comparison of two commits: groups, one configuration in detail, mistakes, hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const [OLD, YOUNG] = [NOW - 2 * 86400, NOW - 86400];
const name = (timestamp) => `${timestamp % 100000}@main`;
const { server, open } = await served();

before(async () => {
  const leaf = (actual, time) => ({ actual, expected: 'PASS', time });
  for (const style of ['Release', 'Debug']) {
    const results = (isOld) => ({
      'broken.html': leaf(isOld ? 'PASS' : style === 'Debug' ? 'CRASH' : 'TEXT', 5),
      'other.html': leaf(isOld ? 'TEXT' : 'TIMEOUT', 5),
      'fixed.html': leaf(isOld ? 'TEXT' : 'PASS', 5),
      'same.html': leaf('TEXT', 5),
      'slow.html': leaf('PASS', isOld ? 100 : 900),
      [isOld ? 'removed.html' : 'added.html']: leaf('PASS', 5),
      hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf(isOld ? 'PASS' : 'IMAGE', 5)])),
    });
    await upload(server.url, { style, timestamp: OLD, start: OLD + 60, results: results(true) });
    await upload(server.url, { style, timestamp: YOUNG, start: YOUNG + 60, results: results(false) });
  }
});

const question = (more = '') => `/compare?suite=layout-tests&before=${name(OLD)}&after=${name(YOUNG)}${more}`;
const tests = (page, group) => page.getByRole('region', { name: group }).getByRole('rowheader').allTextContents();

test('every state is accessible', () => accessible(open, ['/compare', question(), question('&style=Debug'), '/compare?before=nothing']));

test('what is new, changed, fixed and the same, over all configurations', async () => {
  await open(question(), { javaScriptEnabled: false }, async (page) => {
    const broken = await tests(page, 'Newly failing');
    assert.equal(broken[0], 'broken.html');
    assert.equal(broken.length, 1 + HOSTILE.length);
    assert.deepEqual(await tests(page, 'Failing in another way'), ['other.html']);
    assert.deepEqual(await tests(page, 'Fixed'), ['fixed.html']);
    assert.deepEqual(await tests(page, 'Still failing'), ['same.html']);
    assert.match(await page.getByRole('row').filter({ hasText: 'broken.html' }).textContent(), /✓ pass! crash.*Debug, .*Release/s);
    page.evaluate = async () => undefined;
  });
});

test('one configuration also shows what was added, removed and became slower', async () => {
  await open(question(), {}, async (page) => {
    await page.getByRole('region', { name: 'Compared runs' }).getByRole('link', { name: /Debug/ }).click();
    await page.waitForURL(/style=Debug/);
    assert.equal(await page.locator('#added li').textContent(), 'added.html');
    assert.equal(await page.locator('#removed li').textContent(), 'removed.html');
    assert.match(await page.locator('#slower tbody').textContent(), /slow\.html100 ms900 ms/);
  });
});

test('the form compares, and a name that is not known is said beside it', async () => {
  await open('/compare', {}, async (page) => {
    await page.getByLabel('Before', { exact: true }).fill('nothing-like-it');
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').textContent(), /No commit is named nothing-like-it/);
    await page.getByLabel('Before', { exact: true }).fill(name(OLD));
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.locator('#new').waitFor();
    assert.match(await page.textContent('.summary'), /2 configurations ran on both sides/);
  });
});

test('a commit with itself is all the same', async () => {
  const answer = await (await fetch(`${server.url}/api/compare?suite=layout-tests&before=${name(OLD)}&after=${name(OLD)}`)).json();
  assert.deepEqual(answer.counts, { same: 3 });
  assert.equal(answer.details, null);
});

test('a comparison is exported with a row for each configuration', async () => {
  await open(question(), {}, async (page) => {
    const href = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
    const rows = (await (await fetch(server.url + href)).text()).trim().split('\n');
    assert.match(rows[0], /^change,test,before,after,platform/);
    assert.equal(rows.filter((row) => /^new,broken\.html,PASS,CRASH/.test(row)).length, 2);
  });
});

test('a branch is compared with the default branch', async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS' });
  await upload(server.url, {
    style: 'Debug', timestamp: YOUNG + 100, start: YOUNG + 200, commit: { branch: 'eng/work', identifier: `${YOUNG % 100000}.1@eng/work` },
    results: { 'broken.html': leaf('PASS'), 'mine.html': leaf('TEXT') },
  });
  await open('/compare?suite=layout-tests&before_branch=main&branch=eng/work', {}, async (page) => {
    assert.deepEqual(await tests(page, 'Newly failing'), ['mine.html']);
    assert.ok((await tests(page, 'Fixed, or not run any more')).includes('broken.html'));
  });
});
