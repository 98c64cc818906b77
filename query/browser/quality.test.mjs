// How verdicts turned out: the page with answers that were wrong, at the width of a desk and of a phone.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const HOUR = 3600;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served('--set', 'owners=[{suite="layout-tests",pattern="css/*",owners=["@css"]}]');

// One run, in which a test of an owner and tests of hostile names do the same.
const run = (timestamp, start, actual) => upload(server.url, {
  timestamp, start,
  results: {
    css: { 'blamed.html': { actual, expected: 'PASS' } },
    hostile: Object.fromEntries(HOSTILE.map((name) => [name, { actual, expected: 'PASS' }])),
    steady: Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`${number}.html`, { actual: 'PASS', expected: 'PASS' }])),
  },
});

before(async () => {
  for (let hours = 10; hours > 0; hours--) await run(NOW - hours * HOUR - 60, NOW - hours * HOUR, 'PASS');
  const tests = ['css/blamed.html', ...HOSTILE.map((name) => `hostile/${name}`)].map((test) => ({ test, state: 'TEXT' }));
  const answer = await fetch(`${server.url}/api/verdicts`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ suite: 'layout-tests', change: { id: HOSTILE[0] }, tests }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const { tests: said } = await answer.json();
  assert.equal(said[0].verdict, 'new');
  // What starts after the question grades it.
  await run(NOW - 60, Math.ceil(Date.now() / 1000) + 1, 'TEXT');
});

test('every state is accessible, and nothing scrolls sideways', () => accessible(open, ['/quality', '/quality?suite=layout-tests&owner=@css',
  '/quality?owner=@nobody']));

test('a wrong answer leads to its test, without a script', async () => {
  await open('/quality', { javaScriptEnabled: false, viewport: { width: 390, height: 800 } }, async (page) => {
    await page.getByRole('heading', { name: 'How verdicts turned out' }).waitFor();
    for (const name of ['By suite', 'By owner', 'By rule', 'Answers that were wrong', 'What the numbers mean']) {
      assert.equal(await page.getByRole('heading', { name, exact: true }).count(), 1, name);
    }
    const wrong = page.getByRole('region', { name: 'Answers that were wrong' });
    assert.equal(await wrong.getByRole('rowheader').count(), 1 + HOSTILE.length);
    await wrong.getByRole('link', { name: 'css/blamed.html' }).click();
    await page.waitForURL(/\/\?suite=layout-tests&test=css/);
    page.evaluate = async () => undefined;
  });
});

test('tables are reached by the keyboard, and an owner narrows all of it', async () => {
  await open('/quality', {}, async (page) => {
    const region = page.getByRole('region', { name: 'Quality of verdicts by owner' });
    await region.focus();
    assert.ok(await region.evaluate((element) => element === document.activeElement));
    await page.keyboard.press('Tab');
    assert.ok(await region.evaluate((element) => element.contains(document.activeElement) && element !== document.activeElement));
    await region.getByRole('link', { name: '@css' }).click();
    await page.waitForURL(/owner=%40css/);
    assert.equal(await page.getByRole('textbox', { name: 'Owner' }).inputValue(), '@css');
    assert.equal(await page.getByRole('region', { name: 'Answers that were wrong' }).getByRole('rowheader').count(), 1);
  });
});
