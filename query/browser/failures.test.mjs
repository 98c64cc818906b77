// Failures: filter, order, groups, counts, pages, links to runs; errors and documentation, too.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, identifierAt, served, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const TIME = NOW - 7200;
const MANY = 230;
const { server, open } = await served();

before(async () => {
  const leaf = (actual, expected = 'PASS') => ({ actual, expected });
  for (const [style, index] of [['Release', 0], ['Debug', 1], ['Release', 2], ['Debug', 2]]) {
    await upload(server.url, {
      style, timestamp: TIME + index * 600, start: TIME + index * 600 + 60,
      results: {
        css: { 'both.html': leaf('TEXT'), 'both-too.html': leaf('IMAGE'), 'debug.html': leaf(style === 'Debug' ? 'CRASH' : 'PASS'),
          'expected.html': leaf('TIMEOUT', 'TIMEOUT') },
        fast: { 'good.html': leaf('PASS') },
        hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf('TIMEOUT')])),
      },
    });
  }
  await upload(server.url, { suite: 'many', timestamp: TIME, start: TIME,
    results: Object.fromEntries(Array.from({ length: MANY }, (_, index) => [`m${String(index).padStart(3, '0')}.html`, leaf('TEXT')])) });
});

const names = (page) => page.locator('.failing a').allTextContents();

test('every state of the page is accessible, in light and dark, on a desk and on a phone', () => accessible(open, [
  '/investigate', '/investigate?suite=layout-tests&unexpected=false&sort=name', '/investigate?suite=layout-tests&q=css',
  '/investigate?suite=layout-tests&q=nowhere', '/investigate?suite=layout-test', '/investigate?suite=many&page=2',
  '/documentation', '/documentation?q=failures', '/documentation?q=nothing-has-this',
]));

test('a text or a pattern filters, a state and an order are chosen, and the address says so', async () => {
  await open('/investigate?suite=layout-tests', {}, async (page) => {
    await page.getByRole('searchbox', { name: 'Test' }).fill('css/*.html');
    await page.getByLabel('Order').selectOption('name');
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Show' }).press('Enter');
    await page.waitForURL(/q=css%2F\*\.html.*sort=name/);
    assert.deepEqual((await names(page)).sort(), ['css/both-too.html', 'css/both.html', 'css/debug.html']);
    await page.getByLabel('State').selectOption('CRASH');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/state=CRASH/);
    assert.deepEqual(await names(page), ['css/debug.html']);
    assert.match(await page.textContent('.state'), /! CRASH/);
  });
});

test('tests that fail in the same places stand together, worst first', async () => {
  await open('/investigate?suite=layout-tests&q=css', {}, async (page) => {
    const groups = await page.locator('.group').evaluateAll((all) => all.map((group) => group.querySelector('summary').textContent));
    assert.equal(groups.length, 2);
    assert.match(groups[0], /1 test on .*Debug/);
    assert.match(groups[1], /2 tests on the same 2 configurations/);
  });
});

test('the counts of a run add up', async () => {
  await open('/investigate?suite=layout-tests', {}, async (page) => {
    const rows = await page.locator('table.runs tbody tr').evaluateAll((all) =>
      all.map((row) => Array.from(row.cells).slice(3, 7).map((cell) => Number(cell.textContent.replace(/\D/g, '')))));
    assert.equal(rows.length, 2);
    for (const [run, passed, expected, unexpected] of rows) assert.equal(run, passed + expected + unexpected);
    assert.deepEqual(rows.map((row) => row[3]).sort(), [2 + HOSTILE.length, 3 + HOSTILE.length].sort());
    assert.equal(await page.locator('table.runs a[href^="/urls/build?"]').count(), 2);
  });
});

test('ref chooses the commit, and it is called by its name', async () => {
  await open(`/investigate?suite=layout-tests&ref=${identifierAt(TIME + 600)}`, {}, async (page) => {
    assert.equal(await page.locator('table.runs tbody tr').count(), 1);
    assert.match(await page.textContent('table.runs'), /Debug/);
  });
  await open(`/investigate?suite=layout-tests&uuid=${TIME}00`, {}, async (page) => {
    assert.match(await page.textContent('h1'), new RegExp(`Failures of ${identifierAt(TIME)}`));
    assert.match(await page.textContent('table.runs'), /Release/);
  });
});

test('all failures are on some page', async () => {
  await open('/investigate?suite=many', {}, async (page) => {
    const first = await names(page);
    assert.equal(first.length, 200);
    await page.getByRole('link', { name: 'Next' }).click();
    await page.waitForURL(/page=2/);
    assert.equal(new Set([...first, ...await names(page)]).size, MANY);
    assert.equal(await page.getByRole('link', { name: 'Next' }).count(), 0);
  });
});

test('an unknown suite and an unknown page say what is near', async () => {
  await open('/investigate?suite=layout-test', {}, async (page) => {
    assert.equal(await page.getByRole('link', { name: 'layout-tests', exact: true }).count(), 1);
  });
  const html = async (path, status) => {
    const answer = await fetch(server.url + path);
    assert.equal(answer.status, status);
    return answer.text();
  };
  assert.match(await html('/comits', 404), /Did you mean <a href="[^"]*commits">/);
  assert.match(await html('/suites?platfrom=mac', 400), /Did you mean <a href="[^"]*platform=mac">platform/);
  assert.match(await html('/suites?limit=x', 400), /Limit must be a positive integer/);
});

test('hostile names stay text', async () => {
  await open('/investigate?suite=layout-tests&q=hostile', {}, async (page) => {
    assert.equal((await names(page)).length, HOSTILE.length);
    assert.equal(await page.locator('main img, main section script').count(), 0);
  });
  await open(`/investigate?suite=layout-tests&q=${encodeURIComponent(HOSTILE[1])}`, {}, async (page) => {
    assert.equal(await page.locator('main section script').count(), 0);
  });
});
