// Pages that keep themselves up to date, and leave alone what their reader is doing.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const STYLES = ['Release', 'Debug', 'Guard', 'Sanitizer'];
const { server, open } = await served();
let commit = 0;

const leaf = (actual) => ({ actual, expected: 'PASS' });
const steady = Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.html`, leaf('PASS')]));

// One commit later on every configuration.
async function run(broken, suite = 'layout-tests') {
  const timestamp = NOW - DAY + 60 * commit++;
  const results = { steady, ...Object.fromEntries(broken.map((name) => [name, leaf('CRASH')])) };
  for (const style of STYLES) await upload(server.url, { suite, style, timestamp, start: timestamp + 60, results });
}

before(async () => {
  await run([]);
  await run(['broken.html']);
});

const status = (page, words) => page.getByRole('status').filter({ hasText: words }).waitFor();
// Keeps what the page says of itself: that it shows something new is soon followed by that nothing else came.
const listen = (page) => page.evaluate(() => {
  const state = document.querySelector('.live-state');
  window.said = [];
  new MutationObserver(() => window.said.push(state.textContent)).observe(state, { childList: true, characterData: true, subtree: true });
});
const hasSaid = (page, words) => page.waitForFunction((words) => window.said.some((said) => said.includes(words)), words);
// Marks the page, so that a reload would show.
const mark = (page) => page.evaluate(() => { window.marked = true; });
const isMarked = (page) => page.evaluate(() => window.marked === true);

test('every page that updates itself is accessible', () =>
  accessible(open, ['/triage', '/investigate', '/flaky', '/commits', '/suites', '/']));

for (const path of ['/investigate', '/triage']) {
  test(`${path} shows new failures, and keeps focus and what is open`, async () => {
    await open(path, {}, async (page) => {
      await status(page, 'Live');
      await listen(page);
      await mark(page);
      // What stands beside the test: where it fails.
      const row = path === '/investigate' ? page.locator('.group').filter({ hasText: 'broken.html' }).first()
        : page.getByRole('row').filter({ hasText: 'broken.html' }).first();
      const details = path === '/investigate' ? row.locator('.where') : row.locator('details');
      await details.locator('summary').click();
      const link = row.getByRole('link', { name: 'Debug' }).first();
      await link.focus();
      const name = `${path.slice(1)}-${HOSTILE[0]}`;
      await run(['broken.html', name, 'again.html']);
      await page.getByRole('link', { name, exact: true }).waitFor();
      await hasSaid(page, 'New results are shown');
      assert.ok(await isMarked(page));
      assert.ok(await details.evaluate((details) => details.open));
      assert.match(await page.evaluate(() => document.activeElement.textContent), /Debug/);
      // What is mended goes away.
      await run(['broken.html']);
      if (path === '/investigate') await page.getByRole('link', { name, exact: true }).waitFor({ state: 'detached' });
      assert.match(await page.evaluate(() => document.activeElement.textContent), /Debug/);
    });
  });
}

test('a page on which nothing changed is not touched', async () => {
  await open('/investigate?suite=layout-tests', {}, async (page) => {
    await status(page, 'Live');
    await page.evaluate(() => {
      window.changes = 0;
      new MutationObserver((found) => { window.changes += found.length; })
        .observe(document.querySelector('main'), { subtree: true, childList: true, attributes: true, characterData: true });
    });
    const asked = page.waitForResponse((response) => response.url().includes('/investigate') && response.ok());
    await run(['elsewhere.html'], 'api-tests');
    await asked;
    await run(['broken.html', 'last.html']);
    await page.getByRole('link', { name: 'last.html' }).waitFor();
    const last = await page.evaluate(() => window.changes);
    assert.ok(last > 0 && last < 20, `${last} changes for one row`);
  });
});

test('commits appear, in the reader\'s zone like the others', async () => {
  await open('/commits', { timezoneId: 'Pacific/Auckland' }, async (page) => {
    await status(page, 'Live');
    const rows = await page.locator('tbody tr').count();
    await run(['broken.html']);
    await page.waitForFunction((rows) => document.querySelectorAll('tbody tr').length > rows, rows);
    const times = await page.locator('tbody time').evaluateAll((found) => found.map((time) => /^\d{4}-/.test(time.textContent)));
    assert.ok(times.every((isServers) => !isServers));
  });
});

test('updates pause and resume, and a reload keeps that', async () => {
  await open('/investigate', {}, async (page) => {
    await status(page, 'Live');
    await page.getByRole('button', { name: 'Pause updates' }).press('Enter');
    await status(page, 'Paused');
    await page.reload();
    await status(page, 'Paused');
    await mark(page);
    await run(['broken.html', 'while-paused.html']);
    assert.equal(await page.getByRole('link', { name: 'while-paused.html' }).count(), 0);
    await page.getByRole('button', { name: 'Resume updates' }).press('Enter');
    await page.getByRole('link', { name: 'while-paused.html' }).waitFor();
    assert.ok(await isMarked(page));
  });
});

test('a timeline offers to show what is new', async () => {
  for (const path of ['/suites', '/?suite=layout-tests&test=broken.html']) {
    await open(path, {}, async (page) => {
      await status(page, 'Live');
      await mark(page);
      const show = page.getByRole('button', { name: 'New results: show' });
      assert.equal(await show.count(), 0);
      await run(['broken.html']);
      await show.waitFor();
      await show.press('Enter');
      await page.waitForFunction(() => !window.marked);
      await status(page, 'Live');
      assert.equal(await show.count(), 0);
    });
  }
});

test('a page that nobody sees does not listen', async () => {
  await open('/investigate', {}, async (page) => {
    await status(page, 'Live');
    const look = (isHidden) => page.evaluate((isHidden) => {
      Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isHidden);
    await look(true);
    await run(['broken.html', 'unseen.html']);
    assert.equal(await page.getByRole('link', { name: 'unseen.html' }).count(), 0);
    await look(false);
    await page.getByRole('link', { name: 'unseen.html' }).waitFor();
  });
});

test('without scripts there is no bar', async () => {
  await open('/investigate', { javaScriptEnabled: false }, async (page) => {
    assert.equal(await page.locator('.live').count(), 0);
    page.evaluate = async () => undefined;
  });
});
