// What an upload says beside results: attempts, places and owners in the drawer, problems and missing parts of a run, labels.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const [IMAGE, SCRIPT] = HOSTILE;
const { server, open } = await served();

before(async () => {
  const attempts = [
    { state: 'FAIL', time: 1200, started: '2026-11-27T12:10:21Z', log: `${SCRIPT}\nsecond\nthird\nfourth` },
    { state: 'PASS', time: 30 }, 'no attempt', null,
  ];
  const results = {
    'retried.html': { actual: 'FAIL PASS', expected: 'PASS', time: 30, attempts, file: `src/${IMAGE}`, line: 7, owners: ['@ada', IMAGE, 5] },
    'skipped.html': { actual: 'SKIP' },
    'strange.html': { actual: 'PASS', attempts: 'none', file: 7, owners: 'nobody', properties: [[1, 2], ['bug', IMAGE]] },
  };
  await upload(server.url, {
    timestamp: NOW - 7200, start: NOW - 7000, results, configuration: { python: '3.12', job: IMAGE },
    more: {
      run: { id: '77', link: 'https://ci.example.org/77', exit_code: 3, tool: 'pytest' }, problems: [SCRIPT],
      shard: { index: 1, count: 3, of: '77' }, expects: ['retried.html', IMAGE], change: { id: '12', authors: [IMAGE] },
    },
  });
});

const of = (name) => `/?suite=layout-tests&test=${encodeURIComponent(name)}`;
const drawer = async (page) => {
  await page.locator('[data-timeline][data-ready]').first().waitFor();
  await page.locator('tbody td.fail, tbody td.pass').first().click();
  const dialog = page.locator('dialog.drawer[open]');
  await dialog.getByText('Runner').waitFor();
  return dialog;
};

test('pages are accessible', () => accessible(open, [of('retried.html'), '/investigate?suite=layout-tests', '/triage?suite=layout-tests', '/uploads']));

test('the drawer shows every attempt, where the test is, and what is wrong with the run', async () => {
  await open(of('retried.html'), {}, async (page) => {
    const dialog = await drawer(page);
    const attempts = await dialog.locator('ol.attempts > li').allInnerTexts();
    assert.equal(attempts.length, 4);
    assert.match(attempts[0], /^1\. FAIL, 1200 ms, 2026-11-27T12:10:21Z/);
    assert.match(attempts[1], /^2\. PASS, 30 ms/);
    assert.match(attempts[3], /^4\. unknown/);
    const text = await dialog.innerText();
    assert.ok(text.includes(`src/${IMAGE}:7`) && text.includes(`@ada, ${IMAGE}`), text);
    for (const said of ['shards 2, 3 of 3', 'Exit code', SCRIPT, 'pytest', '12']) assert.ok(text.includes(said), `${said}: ${text}`);
    // Messages are long: the first line shows, and the rest on request.
    await dialog.locator('ol.attempts summary').click();
    assert.ok((await dialog.innerText()).includes('fourth'));
  });
});

test('a test that did not run is no pass', async () => {
  await open(of('skipped.html'), {}, async (page) => {
    await page.locator('[data-timeline][data-ready]').first().waitFor();
    await page.locator('tbody td[tabindex="0"]').focus();
    await page.keyboard.press('Enter');
    const dialog = page.locator('dialog.drawer[open]');
    await dialog.getByText('Runner').waitFor();
    const text = await dialog.innerText();
    assert.ok(/Result\s+skipped/.test(text) && !text.includes('PASS'), text);
  });
});

test('members of another kind do no harm', async () => {
  await open(of('strange.html'), {}, async (page) => {
    const dialog = await drawer(page);
    assert.equal(await dialog.locator('ol.attempts').count(), 0);
    assert.ok((await dialog.innerText()).includes(IMAGE), 'the property');
  });
});

test('a page of the CI leads to the run, and the run tells what is wrong', async () => {
  await open(`/run?link=${encodeURIComponent('https://ci.example.org/77')}`, {}, async (page) => {
    assert.match(page.url(), /investigate/);
    const text = await page.locator('.runs').innerText();
    for (const said of ['missing: shards 2, 3 of 3; 1 test', 'exit code 3', '1 problem', 'change 12']) {
      assert.ok(text.includes(said), `${said}: ${text}`);
    }
  });
});

test('a form narrows by the labels that the suite uses', async () => {
  await open('/triage?suite=layout-tests', {}, async (page) => {
    await page.getByLabel('python').selectOption('3.12');
    await page.waitForURL(/label\.python=3\.12/);
    assert.equal(await page.getByLabel('job').locator('option').count(), 2);
  });
});
