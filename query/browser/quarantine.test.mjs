// Quarantine: tests are parked, prolonged and released on their pages and in the list, without scripts, and marked meanwhile.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, overflow, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const PATTERN = 'hostile/*';
const { server, open } = await served();

before(async () => {
  const leaf = (actual) => ({ actual, expected: 'PASS' });
  // Two runs a day for sixteen days, the last one an hour ago.
  for (let index = 0; index < 32; index++) {
    const timestamp = NOW - 3600 - (31 - index) * DAY / 2;
    await upload(server.url, {
      timestamp, start: timestamp + 60,
      results: {
        'broken.html': leaf(index >= 20 ? 'TEXT' : 'PASS'),
        'chance.html': leaf(index % 3 ? 'PASS' : 'TEXT'),
        'healed.html': leaf(index < 8 ? 'TEXT' : 'PASS'),
        steady: Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.html`, leaf('PASS')])),
        hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf(index >= 20 ? 'CRASH' : 'PASS')])),
      },
    });
  }
  const park = (entry) => fetch(`${server.url}/api/quarantine`, { method: 'POST', body: JSON.stringify({ suite: 'layout-tests', ...entry }) });
  for (const entry of [
    { test: PATTERN, reason: HOSTILE[0], owner: HOSTILE[1], by: HOSTILE[2], days: 3 },
    { test: 'healed.html', reason: 'ticket 4', days: 30, bug: 'https://bugs.example.org/show?id=4711' },
    { test: 'steady/1.html', reason: 'ticket 5', days: 30 },
    { test: 'steady/1.html', state: 'closed', by: 'grace' },
  ]) {
    assert.equal((await park(entry)).status, 200, JSON.stringify(entry));
  }
});

const rows = (page, name) => page.getByRole('region', { name, exact: true }).getByRole('row');

test('every list is accessible, and fits a phone', async () => {
  const paths = ['/quarantine', '/quarantine?suite=layout-tests', '/quarantine?test=nothing.html', '/?suite=layout-tests&test=healed.html', '/triage'];
  await accessible(open, paths);
  for (const path of paths) {
    await open(path, { viewport: { width: 390, height: 800 } }, async (page) => {
      for (const summary of await page.locator('main details > summary').all()) {
        await summary.click();
      }
      assert.equal(await overflow(page), 0, path);
    });
  }
});

test('the list says what ends soon, what has recovered, and what was released', async () => {
  await open('/quarantine?suite=layout-tests', { javaScriptEnabled: false }, async (page) => {
    assert.match(await rows(page, 'Ends within a week').nth(1).textContent(), /hostile\/\*/);
    assert.ok((await rows(page, 'Ends within a week').nth(1).textContent()).includes(HOSTILE[0]));
    assert.match(await rows(page, 'In quarantine').nth(1).textContent(), /healed\.html.*ticket 4 bug 4711.*nobody/s);
    assert.match(await rows(page, 'Might be released').nth(1).textContent(), /24 of 24 runs.*healed\.html/s);
    assert.match(await rows(page, 'Might be parked').nth(1).textContent(), /11 of 32 runs.*chance\.html.*text only/s);
    assert.match(await rows(page, 'Released').nth(1).textContent(), /by grace.*steady\/1\.html/s);
    page.evaluate = async () => undefined;
  });
});

test('what is proposed is accepted without scripts, marked everywhere, and taken back', async () => {
  await open('/quarantine?suite=layout-tests', { javaScriptEnabled: false }, async (page) => {
    const row = rows(page, 'Might be parked').filter({ hasText: 'chance.html' });
    await row.locator('summary').click();
    assert.match(await row.getByLabel('Why').inputValue(), /^flaky: spoilt 11 of 32 runs/);
    await row.getByLabel('Owner').fill('layout-team');
    await row.getByLabel('By').fill('ada');
    await row.getByRole('button', { name: 'Park chance.html' }).click();
    await page.waitForURL(/quarantine\?suite=layout-tests/);
    const parked = rows(page, 'In quarantine').filter({ hasText: 'chance.html' });
    assert.match(await parked.textContent(), /text only.*flaky: spoilt 11.*layout-team.*by ada/s);
    assert.equal(await rows(page, 'Might be parked').filter({ hasText: 'chance.html' }).count(), 0);
    await parked.locator('summary').click();
    await parked.getByLabel('Why').fill('still flaky');
    await parked.getByRole('button', { name: 'Prolong' }).click();
    await page.waitForURL(/quarantine\?suite=layout-tests/);
    assert.match(await rows(page, 'In quarantine').filter({ hasText: 'chance.html' }).textContent(), /still flaky.*layout-team/s);
    page.evaluate = async () => undefined;
  });
  for (const path of ['/triage', '/flaky']) {
    await open(path, {}, async (page) => {
      const mark = page.getByRole('row').filter({ hasText: 'chance.html' }).locator('.parked');
      assert.match(await mark.textContent(), /quarantined\s+text on .* until \d{4}-\d\d-\d\d/s, path);
      assert.equal(await mark.getAttribute('title'), 'still flaky (owner layout-team)');
    });
  }
  await open('/quarantine?suite=layout-tests', { javaScriptEnabled: false }, async (page) => {
    await page.getByRole('button', { name: 'Release chance.html' }).click();
    await page.waitForURL(/quarantine\?suite=layout-tests/);
    assert.equal(await rows(page, 'In quarantine').filter({ hasText: 'chance.html' }).count(), 0);
    assert.equal(await rows(page, 'Might be parked').filter({ hasText: 'chance.html' }).count(), 1);
    page.evaluate = async () => undefined;
  });
});

test('a test is parked on its page, which says so until it is released', async () => {
  await open('/?suite=layout-tests&test=broken.html', {}, async (page) => {
    await page.getByText('Put into quarantine').click();
    const form = page.locator('.parking details form');
    await form.getByLabel('Failures').selectOption('TEXT');
    await form.getByLabel('Why').fill(HOSTILE[0]);
    await form.getByRole('button', { name: 'Park' }).click();
    await page.getByText('quarantined until').waitFor();
    assert.ok((await page.locator('.parking').textContent()).includes(HOSTILE[0]));
    await page.getByRole('button', { name: 'Release broken.html' }).click();
    await page.getByText('quarantined until').waitFor({ state: 'detached' });
  });
});

test('what a form says of a suite that nobody knows is kept, and a page says so', async () => {
  await open('/quarantine', { viewport: { width: 390, height: 800 } }, async (page) => {
    await page.getByText('Put another test into quarantine').click();
    const form = page.locator('details form').filter({ hasText: 'or a pattern' });
    await form.getByLabel('Suite').fill(HOSTILE[0]);
    await form.getByLabel('Test').fill(HOSTILE[1]);
    await form.getByLabel('Why').fill('ticket 6');
    await form.getByRole('button', { name: 'Park' }).click();
    await page.getByRole('heading', { name: 'Kept, with a warning' }).waitFor();
    assert.ok((await page.locator('.warning').textContent()).startsWith(`No run of the suite '${HOSTILE[0]}' is known: the entry is kept`));
    assert.equal(await overflow(page), 0);
    await page.getByRole('link', { name: 'Show it' }).click();
    await page.getByText('ticket 6').first().waitFor();
  });
});
