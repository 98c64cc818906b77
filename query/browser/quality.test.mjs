// How verdicts turned out: the page with answers that were wrong, at the width of a desk and of a phone.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const HOUR = 3600;
const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served('--set', 'owners=[{suite="layout-tests",pattern="css/*",owners=["@css"]}]');

const LONG = 'imported/w3c/web-platform-tests/css/css-flexbox/flex-minimum-height-flex-items-with-replaced-children-034.html';
const BRANCH = 'release/2.52 & a long name';

// One run, in which a test of an owner, one of a long name and tests of hostile names do the same; on another branch, one test alone.
const run = (timestamp, start, actual, branch) => upload(server.url, {
  timestamp, start, ...(branch ? { commit: { branch, identifier: undefined }, style: 'Debug' } : {}),
  results: branch ? { css: { 'branched.html': { actual, expected: 'PASS' } } } : {
    css: { 'blamed.html': { actual, expected: 'PASS' } },
    [LONG]: { actual, expected: 'PASS' },
    hostile: Object.fromEntries(HOSTILE.map((name) => [name, { actual, expected: 'PASS' }])),
    steady: Object.fromEntries(Array.from({ length: 30 }, (_, number) => [`${number}.html`, { actual: 'PASS', expected: 'PASS' }])),
  },
});

// Asks whether a change broke some tests of a branch; it is blamed for them.
async function blame(names, branch) {
  const tests = names.map((test) => ({ test, state: 'TEXT' }));
  const answer = await fetch(`${server.url}/api/verdicts`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ suite: 'layout-tests', branch, change: { id: HOSTILE[0] }, tests }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const { tests: said } = await answer.json();
  assert.equal(said[0].verdict, 'new');
}

before(async () => {
  for (let hours = 10; hours > 0; hours--) {
    await run(NOW - hours * HOUR - 60, NOW - hours * HOUR, 'PASS');
    await run(NOW - hours * HOUR - 90, NOW - hours * HOUR, 'PASS', BRANCH);
  }
  await blame(['css/blamed.html', LONG, ...HOSTILE.map((name) => `hostile/${name}`)]);
  await blame(['css/branched.html'], BRANCH);
  // What starts after the question grades it.
  const start = Math.ceil(Date.now() / 1000) + 1;
  await run(NOW - 60, start, 'TEXT');
  await run(NOW - 90, start, 'TEXT', BRANCH);
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
    assert.equal(await wrong.getByRole('rowheader').count(), 3 + HOSTILE.length);
    await wrong.getByRole('link', { name: 'css/blamed.html' }).click();
    await page.waitForURL(/\/\?suite=layout-tests&test=css/);
    page.evaluate = async () => undefined;
  });
});

test('what was wrong on another branch says so, and leads to the test as it is there', async () => {
  await open('/quality', {}, async (page) => {
    const row = page.getByRole('region', { name: 'Answers that were wrong' }).getByRole('row').filter({ hasText: 'css/branched.html' });
    const said = await row.innerText();
    assert.ok(said.includes(`on ${BRANCH}`) && said.includes('failed on the only commit that came after'), said);
    await row.getByRole('link', { name: 'css/branched.html' }).click();
    await page.waitForURL((url) => url.searchParams.get('branch') === BRANCH && url.searchParams.get('test') === 'css/branched.html');
    await page.locator('tbody td.fail').first().waitFor();
  });
});

test('every column can be read at every width', async () => {
  for (const width of [360, 390, 600, 601, 700, 768, 900, 1024]) {
    await open('/quality', { viewport: { width, height: 800 } }, async (page) => {
      const hidden = await page.locator('.scroll').evaluateAll((parts) => parts.map((part) => part.scrollWidth - part.clientWidth));
      assert.ok(hidden.length === 4 && hidden.every((pixels) => pixels <= 0), `${hidden} px are hidden at ${width} px`);
    });
  }
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
    assert.equal(await page.getByRole('region', { name: 'Answers that were wrong' }).getByRole('rowheader').count(), 2);
  });
});
