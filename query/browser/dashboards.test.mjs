// Dashboards: tiles, their order and links, what is left out, the summary on the start page, and exports.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const HOUR = 3600;
const NOW = Math.floor(Date.now() / 1000);
const BOARDS = 'dashboard_queries=[{title="<b>All</b> {{ 7*7 }}",suite="layout-tests"},{title="Debug",suite="layout-tests",style="Debug"},{title="Nothing",suite="no-such-suite"}]';
const { server, open } = await served('--set', BOARDS);

before(async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS' });
  const run = (style, hoursAgo, actual, configuration = {}) => {
    const timestamp = NOW - hoursAgo * HOUR;
    const results = { 'a.html': leaf(actual), hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf('PASS')])) };
    return upload(server.url, { style, timestamp, start: timestamp + 60, results, configuration });
  };
  for (const [hours, actual] of [[5, 'PASS'], [4, 'PASS'], [3, 'TEXT'], [2, 'CRASH']]) await run('Debug', hours, actual);
  for (const hours of [5, 2]) await run('Release', hours, 'PASS');
  await run('Production', 30, 'PASS');
  await run('Guard', 24 * 9, 'TEXT');
  await run('Release', 2, 'PASS', { model: HOSTILE[0] });
});

const headings = (page, board) => page.locator('.board').nth(board).getByRole('heading', { level: 3 }).allTextContents();

test('every state is accessible', () => accessible(open, ['/dashboards', '/dashboards?passing=true', '/dashboards?style=none', '/']));

test('the worst configuration is first, a late one warns, an expired one is left out', async () => {
  await open('/dashboards', { javaScriptEnabled: false }, async (page) => {
    const names = await headings(page, 0);
    assert.equal(names.length, 2);
    assert.match(names[0], /Debug/);
    assert.match(names[1], /Production/);
    const tiles = page.locator('.board').first().locator('.tile');
    assert.match(await tiles.first().textContent(), /crash, 1 failed.*2 runs since.*Last good.*commits between/s);
    assert.match(await tiles.nth(1).textContent(), /\? warning.*late/s);
    assert.match(await page.locator('.board h2').first().textContent(), /<b>All<\/b> \{\{ 7\*7 \}\} 2 of 4 not passing/);
    assert.match(await page.locator('.board').nth(2).textContent(), /No run of no-such-suite/);
    page.evaluate = async () => undefined;
  });
});

test('passing tiles show on request, which is in the address', async () => {
  await open('/dashboards', {}, async (page) => {
    await page.getByRole('link', { name: 'Show passing' }).click();
    await page.waitForURL(/passing=true/);
    assert.equal((await headings(page, 0)).length, 4);
    assert.match((await headings(page, 0)).join(), /onerror/);
    await page.getByRole('link', { name: 'Hide passing' }).waitFor();
  });
});

test('a tile leads to the commits and the comparison between the last good and the first bad run', async () => {
  await open('/dashboards', {}, async (page) => {
    await page.locator('.tile').first().getByRole('link', { name: 'commits between' }).click();
    await page.waitForURL(/after_uuid=\d+&before_uuid=\d+/);
    await page.goBack();
    await page.locator('.tile').first().getByRole('link', { name: 'compare' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/compare/);
    assert.equal(await page.locator('#new tbody th').textContent(), 'a.html');
  });
});

test('the start page has a line for each dashboard until a test is chosen', async () => {
  await open('/', {}, async (page) => {
    assert.equal(await page.getByRole('link', { name: 'Debug' }).count(), 1);
    assert.match(await page.locator('main').textContent(), /1 of 1 not passing/);
  });
  await open('/?suite=layout-tests&test=a.html', {}, async (page) => {
    assert.equal(await page.getByRole('heading', { name: 'Dashboards' }).count(), 0);
  });
});

test('pages lead to their rows as CSV, and nothing in a cell is a formula', async () => {
  const read = async (path) => {
    const answer = await fetch(server.url + path);
    return [answer.status, answer.headers.get('content-type'), await answer.text()];
  };
  await open('/?suite=layout-tests&test=a.html&style=Debug', {}, async (page) => {
    const [status, type, text] = await read(await page.getByRole('link', { name: 'CSV' }).getAttribute('href'));
    assert.equal(status, 200);
    assert.match(type, /^text\/csv/);
    assert.equal(text.trim().split('\n').length, 5);
    assert.match(text, /Debug.*,CRASH,PASS,/);
  });
  for (const [hours, actual] of [[5, 'PASS'], [4, 'TEXT'], [3, 'PASS'], [2, 'TEXT']]) {
    const timestamp = NOW - hours * HOUR;
    await upload(server.url, { suite: 'unsteady', timestamp, start: timestamp + 60, results: { 'b.html': { actual, expected: 'PASS' } } });
  }
  await open('/flaky?suite=unsteady', {}, async (page) => {
    const [, , text] = await read(await page.getByRole('link', { name: 'CSV' }).getAttribute('href'));
    assert.match(text, /^test,runs,unexpected/);
  });
  assert.match((await read('/api/failures/layout-tests?format=csv'))[2], /^test\na\.html\n/);
  assert.equal((await read('/api/failures/layout-tests?format=xml'))[0], 400);
  assert.equal((await read('/api/suites?format=csv'))[0], 400);
});
