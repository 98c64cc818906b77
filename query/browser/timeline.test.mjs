// The timeline that the script takes over: windows, keys, density, grouping, the drawer, selection, the strip.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const RUNS = 90;
const { server, open: opened } = await served();
// Everything below is about the timeline once it is taken over.
const open = (path, options, check) => opened(path, options, async (page) => {
  await page.locator('[data-timeline][data-ready]').first().waitFor();
  await check?.(page);
});

before(async () => {
  const leaf = (actual, time = 12) => ({ actual, expected: 'PASS', time });
  for (let index = 0; index < RUNS; index++) {
    const timestamp = NOW - DAY - (RUNS - index) * 3600;
    const style = index % 3 === 2 ? 'Debug' : 'Release';
    await upload(server.url, {
      style, timestamp, start: timestamp + 60, configuration: index % 9 === 0 ? { platform: 'iOS' } : {},
      results: {
        'regressed.html': leaf(index >= RUNS - 5 ? 'CRASH' : 'PASS', 1500),
        'expected.html': { actual: 'FAIL', expected: 'FAIL' },
        [HOSTILE[0]]: leaf('TEXT'),
      },
    });
  }
});

const of = (name, more = '') => `/?suite=layout-tests&test=${encodeURIComponent(name)}${more}`;
const row = (page, name) => page.locator('tbody tr').filter({ has: page.getByRole('rowheader', { name }) });
const focused = (page) => page.evaluate(() => document.activeElement.getAttribute('aria-label'));

test('every state is accessible', async () => {
  await accessible(open, [of('regressed.html'), of('regressed.html', '&density=dense'), of('regressed.html', '&group=platform&times=true'),
    of('expected.html', '&expected=hide&density=compact'), of(HOSTILE[0]), '/suites']);
});

test('where a behaviour changed is drawn and told, with the commits among which it lies', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    const changed = page.locator('.behaviour');
    assert.match(await changed.locator('summary').innerText(), /on 2 of \d configurations/);
    const release = changed.locator('.segments').filter({ has: page.getByRole('heading', { name: /Release/ }) });
    const stretches = await release.locator('li').allInnerTexts();
    assert.equal(stretches.length, 2);
    assert.match(stretches[0], /^3 of 3 runs failed, since a commit after .*, up to /);
    assert.match(stretches[1], /^0 of \d+ runs failed, before that$/);
    assert.equal(await release.locator('svg rect.crash').count(), 1);
    assert.equal(await release.locator('svg path').count(), 1);
    const link = release.getByRole('link');
    assert.match(await link.getAttribute('href'), /^\/commits\?after_uuid=\d+&before_uuid=\d+&suite=layout-tests$/);
  });
  await open(of('expected.html'), {}, async (page) => {
    assert.equal(await page.locator('.behaviour').count(), 0, 'nothing changed');
  });
});

test('all runs can be scrolled to, a few at a time, and the address remembers the place', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    const grid = page.getByRole('grid');
    assert.equal(await grid.getAttribute('aria-colcount'), String(RUNS + 1));
    const shown = await page.locator('tbody tr').first().locator('td').count();
    assert.ok(shown > 10 && shown < RUNS, `${shown}`);
    await page.getByRole('slider').focus();
    await page.keyboard.press('End');
    await page.locator(`td[aria-colindex="${RUNS + 1}"]`).first().waitFor();
    await page.waitForURL(/at=\d+/);
    const place = await page.getByRole('slider').getAttribute('aria-valuenow');
    await page.reload();
    await page.locator('[data-timeline][data-ready]').waitFor();
    assert.equal(await page.getByRole('slider').getAttribute('aria-valuenow'), place);
  });
});

test('arrow keys go from run to run, over gaps and beyond what is shown', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    await page.locator('tbody td[tabindex="0"]').focus();
    assert.match(await focused(page), /^crash, unexpected, \d+@main, Mac 14.2.0 Debug/);
    await page.keyboard.press('ArrowRight');
    assert.match(await focused(page), /^crash, unexpected/);
    await page.keyboard.press('ArrowRight');
    assert.match(await focused(page), /^pass/);
    await page.keyboard.press('End');
    await page.locator(`td[aria-colindex="${RUNS + 1}"]:focus`).waitFor();
    await page.keyboard.press('Home');
    await page.locator('td[aria-colindex="2"]:focus').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('PageDown');
    assert.ok(Number(await page.evaluate(() => document.activeElement.getAttribute('aria-colindex'))) > 10);
    assert.equal(await page.locator('tbody td[tabindex="0"]').count(), 1);
  });
});

test('Enter opens a run with its commit, its result and ways on; Escape gives the focus back', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    await page.locator('tbody td[tabindex="0"]').focus();
    const label = await focused(page);
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('dialog');
    await drawer.getByText('CRASH, expected PASS').waitFor();
    assert.match(await drawer.textContent(), /webkit \d+@main A change, Ada/);
    assert.match(await drawer.textContent(), /1500 ms/);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    assert.equal(await focused(page), label);
    await page.keyboard.press('Enter');
    await drawer.getByRole('link', { name: 'Failures of this run' }).click();
    await page.waitForURL(/investigate/);
    assert.match(await page.textContent('main'), /regressed\.html/);
  });
});

test('the drawer of a suite names what failed, as text', async () => {
  await open('/suites', {}, async (page) => {
    await page.locator('tbody td.fail, tbody td.crash').first().click();
    const drawer = page.getByRole('dialog');
    await drawer.getByRole('link', { name: HOSTILE[0] }).waitFor();
    assert.match(await drawer.textContent(), /3 run, 0 skipped/);
    assert.equal(await drawer.locator('img').count(), 0);
  });
});

test('expected failures come and go at once, and the address says so', async () => {
  await open(of('expected.html'), {}, async (page) => {
    const failing = page.locator('tbody td.fail');
    assert.ok(await failing.count() > 10);
    await page.getByRole('link', { name: 'Hide expected failures' }).click();
    assert.equal(await failing.count(), 0);
    await page.waitForURL(/expected=hide/);
    await page.getByRole('link', { name: 'Show expected failures' }).click();
    assert.ok(await failing.count() > 10);
    await page.waitForURL((url) => !url.searchParams.has('expected'));
  });
});

test('denser columns show more, times show on request', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    const shown = () => page.locator('tbody tr').first().locator('td').count();
    const before = await shown();
    await page.getByLabel('times').check();
    assert.equal(await row(page, /Release/).first().locator('td[data-number="1.5s"]').count() > 0, true);
    await page.getByLabel('columns').selectOption('dense');
    assert.equal(await shown(), RUNS);
    assert.ok(before < RUNS);
    await page.waitForURL(/density=dense/);
  });
});

test('platforms fold into one row that shows the worst of them', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    await page.getByLabel('group by platform').check();
    const fold = page.getByRole('button', { name: /Mac/ });
    const rows = await page.locator('tbody tr').count();
    await fold.click();
    assert.equal(await page.locator('tbody tr').count(), rows - 2);
    assert.equal(await fold.getAttribute('aria-expanded'), 'false');
    assert.ok(await row(page, /Mac/).locator('td.crash').count() >= 4);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), '+ Mac');
  });
});

test('runs are selected with Shift, and a bug is filed about them', async () => {
  await open(of('regressed.html'), {}, async (page) => {
    await page.locator('tbody td[tabindex="0"]').focus();
    await page.keyboard.press('Shift+ArrowRight');
    assert.ok(await page.locator('td[aria-selected="true"]').count() >= 2);
    await page.keyboard.press('Enter');
    const [request] = await Promise.all([
      page.waitForRequest(/create-bug/),
      page.getByRole('button', { name: /File a bug in bugzilla \(\d+ runs\)/ }).click(),
    ]);
    const { selectedRows, test: named } = request.postDataJSON();
    assert.equal(named, 'regressed.html');
    assert.equal(selectedRows[0].results.length, 2);
    assert.ok(selectedRows[0].results.every(({ actual }) => actual === 'CRASH'));
    await page.getByRole('link', { name: 'Open the report' }).waitFor();
  });
});

test('a touch on a phone opens the run', async () => {
  await open(of('regressed.html'), { viewport: { width: 390, height: 800 }, hasTouch: true }, async (page) => {
    const label = await page.locator('tbody th').first().boundingBox();
    assert.ok(label.width <= 0.32 * 390, `${label.width}`);
    await page.locator('tbody td.crash').first().tap();
    await page.getByRole('dialog').getByText('CRASH, expected PASS').waitFor();
  });
});
