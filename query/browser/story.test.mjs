// The story that the pages are for: a test goes red, is explained, owned and parked, is mended, and is released a week later.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { accessible, clockBehind, opener, serveIn, startBrowser, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
// The test goes red when the first server's clock says so, and is released today.
const RED = NOW - 9 * DAY;
const BUG = 'https://bugs.example.org/show?id=4711';
const RED_TEST = 'css/grid.html';

const directory = mkdtempSync(join(tmpdir(), 'resultsdb-'));
const browser = await startBrowser();
let server = await serveIn(directory, clockBehind(9 * DAY));
after(async () => {
  await browser.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});
const open = (...visit) => opener(server, browser)(...visit);

// One run every eight hours, from a time until another.
async function runs(from, until, state) {
  const leaf = (actual) => ({ actual, expected: 'PASS' });
  for (let timestamp = from; timestamp < until; timestamp += DAY / 3) {
    await upload(server.url, {
      timestamp, start: timestamp + 60,
      results: {
        css: { 'grid.html': leaf(state) },
        steady: Object.fromEntries(Array.from({ length: 20 }, (_, number) => [`${number}.html`, leaf('PASS')])),
      },
    });
  }
}

const said = async (path, document) => {
  const answer = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(document) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
};

// What a change is told whose run has the failure.
const verdict = async () => {
  const asked = { suite: 'layout-tests', tests: [{ test: RED_TEST, state: 'TEXT' }] };
  return (await said('/api/verdicts', asked)).tests[0].verdict;
};

const row = (page, region) => page.getByRole('region', { name: region, exact: true }).getByRole('row').filter({ hasText: RED_TEST });
const testPage = async (page) => {
  await page.getByRole('rowheader').getByRole('link', { name: RED_TEST, exact: true }).first().click();
  await page.getByText('Link a bug').waitFor();
};

test('from red triage to bug, owner, quarantine, fix and release', async (story) => {
  await runs(RED - 12 * DAY, RED - 1.5 * DAY, 'PASS');
  await runs(RED - 1.5 * DAY, RED - 3600, 'TEXT');

  await story.test('triage is red, and the test is explained by a bug on its page', () => open('/triage', {}, async (page) => {
    assert.match(await row(page, 'Newly failing: layout-tests').textContent(), /text.*css\/grid\.html/s);
    await testPage(page);
    await page.getByText('Link a bug').click();
    const form = page.locator('.known details form');
    await form.getByLabel('Page of the bug').fill(BUG);
    await form.getByLabel('Explains').selectOption('TEXT');
    await form.getByRole('button', { name: 'Link' }).click();
    await page.getByRole('button', { name: 'Unlink bug 4711' }).waitFor();
    assert.equal(await verdict(), 'known-failing');
  }));

  await story.test('who owns the folder finds the test, with its bug', async () => {
    await said('/api/owners', { suite: 'layout-tests', text: 'css/ @css-team\n' });
    await open('/owners', {}, async (page) => {
      const owner = page.getByRole('row').filter({ has: page.getByRole('link', { name: '@css-team' }) });
      await owner.getByRole('link', { name: '1' }).first().click();
      await page.waitForURL(/owner=%40css-team/);
      const found = row(page, 'Newly failing: layout-tests');
      assert.match(await found.textContent(), /bug 4711.*@css-team/s);
    });
  });

  await story.test('the owner parks it, and changes are let through meanwhile', () => open('/triage?owner=@css-team', {}, async (page) => {
    await testPage(page);
    await page.getByText('Put into quarantine').click();
    const form = page.locator('.parking details form');
    await form.getByLabel('Why').fill('the grid is being rewritten');
    await form.getByLabel('Days').fill('28');
    await form.getByLabel('Owner').fill('@css-team');
    await form.getByLabel('Bug').fill(BUG);
    await form.getByRole('button', { name: 'Park' }).click();
    await page.getByText('quarantined until').waitFor();
    assert.equal(await verdict(), 'quarantined');
    await page.goto(`${server.url}/triage`);
    assert.equal(await row(page, 'Newly failing: layout-tests').locator('.parked').count(), 1, 'what is parked stays visible');
  }));

  await story.test('each of the pages is accessible while the test is red', () => accessible(open,
    ['/triage', '/owners', '/quarantine', `/?suite=layout-tests&test=${RED_TEST}`]));

  // Eight days later it has been mended.
  await server.stop();
  server = await serveIn(directory, {});
  await runs(RED, NOW - 3600, 'PASS');

  await story.test('triage says that it was fixed, and how sure that is', () => open('/triage?days=14', {}, async (page) => {
    assert.match(await row(page, 'Fixed: layout-tests').textContent(), /css\/grid\.html.*bug 4711.*quarantined.*% sure after \d+ passes/s);
  }));

  await story.test('the quarantine proposes its release, which somebody accepts', () => open('/quarantine', {}, async (page) => {
    const proposed = row(page, 'Might be released');
    assert.match(await proposed.textContent(), /27 of 27 runs.*the grid is being rewritten/s);
    await proposed.getByLabel('By').fill('grace');
    await proposed.getByRole('button', { name: `Release ${RED_TEST}` }).click();
    await row(page, 'Released').waitFor();
    assert.match(await row(page, 'Released').textContent(), /by grace.*the grid is being rewritten.*bug 4711/s);
    assert.equal(await row(page, 'Might be released').count() + await row(page, 'In quarantine').count(), 0);
  }));

  await story.test('a failure counts again', async () => {
    assert.equal(await verdict(), 'new');
    await open('/triage?days=14', {}, async (page) => {
      assert.equal(await row(page, 'Fixed: layout-tests').locator('.parked').count(), 0);
    });
  });

  await story.test('each of the pages is accessible once it is over', () => accessible(open,
    ['/triage?days=14', '/owners', '/quarantine', `/?suite=layout-tests&test=${RED_TEST}`]));
});
