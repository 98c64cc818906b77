// The comparison of two commits: groups, one configuration in detail, mistakes, hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, identifierAt, served, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const [OLD, YOUNG] = [NOW - 2 * 86400, NOW - 86400];
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

const question = (more = '') => `/compare?suite=layout-tests&before=${identifierAt(OLD)}&after=${identifierAt(YOUNG)}${more}`;
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
    await page.getByLabel('Before', { exact: true }).fill(identifierAt(OLD));
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.locator('#new').waitFor();
    assert.match(await page.textContent('.summary'), /2 configurations ran on both sides/);
  });
});

test('a commit with itself is all the same', async () => {
  const answer = await (await fetch(`${server.url}/api/compare?suite=layout-tests&before=${identifierAt(OLD)}&after=${identifierAt(OLD)}`)).json();
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
    style: 'Debug', timestamp: YOUNG + 100, start: YOUNG + 200, commit: { branch: 'eng/work', identifier: `${YOUNG}.1@eng/work` },
    results: { 'broken.html': leaf('PASS'), 'mine.html': leaf('TEXT') },
  });
  await open('/compare?suite=layout-tests&before_branch=main&branch=eng/work', {}, async (page) => {
    assert.deepEqual(await tests(page, 'Newly failing'), ['mine.html']);
    assert.ok((await tests(page, 'Fixed')).includes('broken.html'));
  });
});

test('what ran in part, on one side only, or not at all is said', async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS', time: 5 });
  const suite = 'parts';
  const [first, second, third] = [OLD + 10, YOUNG + 10, YOUNG + 20];
  const all = { 'retried.html': leaf('TEXT'), 'still.html': leaf('TEXT'), 'steady.html': leaf('PASS') };
  await upload(server.url, { suite, timestamp: first, results: { ...all, 'gone.html': leaf('TEXT') } });
  await upload(server.url, { suite, timestamp: second, start: second + 60, results: all });
  await upload(server.url, { suite, timestamp: second, start: second + 120, results: { 'retried.html': leaf('PASS') } });
  await upload(server.url, { suite, timestamp: second, style: 'Debug', results: { [HOSTILE[0]]: leaf('CRASH') } });
  // A commit on which nothing of this suite ran.
  await upload(server.url, { suite: 'others', timestamp: third, results: { 'a.html': leaf('PASS') } });
  await open(`/compare?suite=${suite}&before=${identifierAt(first)}&after=${identifierAt(second)}`, {}, async (page) => {
    assert.deepEqual(await tests(page, 'Both failing and not on one commit'), ['retried.html']);
    assert.match(await page.getByRole('row').filter({ hasText: 'retried.html' }).textContent(), /text of text pass/);
    assert.deepEqual(await tests(page, 'Failed before, not run after'), ['gone.html']);
    assert.match(await page.getByRole('row').filter({ hasText: 'gone.html' }).textContent(), /text.*– not run/s);
    assert.deepEqual(await tests(page, 'Still failing'), ['still.html']);
    assert.equal(await page.locator('#fixed tbody tr').count(), 0);
    assert.deepEqual(await page.locator('#removed li').allTextContents(), ['gone.html']);
    const alone = page.getByRole('region', { name: 'Ran on one side only' });
    assert.match(await alone.locator('tbody tr').textContent(), /Debug.*after.*1.*crash/s);
    assert.match(await page.getByRole('region', { name: 'Compared runs' }).textContent(), /2 runs/);
  });
  await open(`/compare?suite=${suite}&before=${identifierAt(second)}&after=${identifierAt(third)}`, {}, async (page) => {
    const said = await page.locator('.problem').allTextContents();
    assert.match(said[0], new RegExp(`Nothing ran on ${identifierAt(third)} on 2 of 2`));
    assert.match(said[1], /Both sides are the same runs on 2 of 2/);
    assert.match(await page.getByRole('region', { name: 'Compared runs' }).textContent(), new RegExp(`${identifierAt(second)}.*stands in`, 's'));
  });
  await accessible(open, [`/compare?suite=${suite}&before=${identifierAt(first)}&after=${identifierAt(second)}`, `/compare?suite=${suite}&before=${identifierAt(second)}&after=${identifierAt(third)}`]);
});

test('two populations are compared, and what cannot be is said beside the form', async () => {
  const suite = 'populations';
  for (let age = 0; age < 20; age += 1) {
    const [timestamp, isNew] = [NOW - 3600 - age * 86400, age < 7];
    const leaf = (actual) => ({ actual, expected: 'PASS' });
    const steady = Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`steady-${number}.html`, leaf('PASS')]));
    await upload(server.url, { suite, timestamp, results: { ...steady, hostile: { [HOSTILE[0]]: leaf(isNew ? 'TEXT' : 'PASS'), [HOSTILE[3]]: leaf(age % 5 ? 'PASS' : 'TEXT') } } });
  }
  await open(`/compare?suite=${suite}`, {}, async (page) => {
    await page.getByRole('link', { name: 'Populations' }).click();
    await page.waitForURL(/populations/);
    await page.getByRole('button', { name: 'Compare' }).click();
    const table = page.getByRole('region', { name: 'Tests that failed in the sample' });
    const rows = await table.locator('tbody tr').allTextContents();
    assert.equal(rows.length, 2);
    assert.match(rows[0], /onerror.*extreme.*100\.0 % 7 of 7.*0\.0 % 0 of 13/s);
    assert.match(rows[1], /7\*7.*none/s);
    const href = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
    assert.match(await (await fetch(server.url + href)).text(), /^test,regression,sample_failed,sample_passed,base_failed,base_passed,chance,adjusted/);
    await page.getByLabel('Ends weeks ago').nth(1).fill('0');
    await page.getByLabel('Weeks', { exact: true }).nth(1).fill('1');
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').textContent(), /Both populations are the same/);
  });
  await accessible(open, ['/compare/populations', `/compare/populations?suite=${suite}&weeks=1`, `/compare/populations?suite=${suite}&weeks=1&base_weeks=1&base_ago=0`]);
});
