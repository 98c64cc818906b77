// The page of causes: groups of failures by what they say, one of them, the search in messages, lists that show a cause in
// place of its tests, and hostile messages.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const DAY = 86400;
const NOW = Math.floor(Date.now() / 1000);
const DAYS = 8;
const { server, open } = await served();

before(async () => {
  for (let index = 0; index < DAYS; index++) {
    const timestamp = NOW - 3600 - (DAYS - 1 - index) * DAY;
    const said = (log) => ({ actual: 'TEXT', expected: 'PASS', log });
    const failing = index >= 2;
    await upload(server.url, {
      timestamp, start: timestamp + 60,
      results: {
        // So many pass that no run counts as broken as a whole.
        calm: Object.fromEntries(Array.from({ length: 80 }, (_, number) => [`${number}.html`, { actual: 'PASS' }])),
        net: Object.fromEntries(Array.from({ length: 6 }, (_, number) => [`${number}.html`,
          failing ? said(`Could not connect to 127.0.0.1:${4000 + number * 7 + index} in ${index} s\n  at connect`) : { actual: 'PASS' }])),
        'alone.html': failing ? said('A sentence of its own') : { actual: 'PASS' },
        hostile: Object.fromEntries(HOSTILE.map((name, number) => [`${number}.html`, failing ? said(name) : { actual: 'PASS' }])),
      },
    });
  }
});

const SUITE = '/causes?suite=layout-tests';
const row = (page, text) => page.locator('.causes tbody tr', { hasText: text });

test('every state is accessible', () => accessible(open, [
  SUITE, `${SUITE}&text=connect`, `${SUITE}&text=nothing+says+this`, `${SUITE}&weeks=12&order=newest`, '/causes?platform=none',
  '/triage?suite=layout-tests', '/investigate?suite=layout-tests',
]));

test('failures that differ in numbers are one cause, without a script too', async () => {
  await open(SUITE, { javaScriptEnabled: false }, async (page) => {
    const connect = row(page, 'Could not connect to *:* in * s');
    assert.equal(await connect.count(), 1);
    const cells = await connect.locator('td.number').allInnerTexts();
    assert.deepEqual(cells.map((cell) => Number(cell.match(/\d+/)[0])), [6 * (DAYS - 2), 6, DAYS - 2, 1]);
    assert.equal(await connect.locator('.bars rect').count(), DAYS - 2);
    await connect.getByRole('link').first().click();
    assert.match(await page.locator('main h2').first().textContent(), /Could not connect/);
    assert.equal(await page.locator('.two li').count(), 7);
    assert.match(await page.locator('.said pre').first().textContent(), /at connect$/);
    page.evaluate = async () => undefined;
  });
});

test('a text is found in what was said', async () => {
  await open(SUITE, {}, async (page) => {
    await page.getByLabel('Messages with').fill('OWN');
    await page.keyboard.press('Enter');
    await page.waitForURL(/text=OWN/);
    await page.locator('.said').first().waitFor();
    assert.equal(await page.locator('.said').count(), DAYS - 2);
    assert.equal(await row(page, 'A sentence of its own').count(), 1);
  });
});

test('hostile messages stay text', async () => {
  await open(`${SUITE}&weeks=1`, {}, async (page) => {
    const patterns = await page.locator('.pattern').allTextContents();
    assert.ok(patterns.some((pattern) => pattern.startsWith('<img src=x onerror="window.harmed=')), patterns.join('\n'));
  });
  await open(`${SUITE}&text=harmed`, {}, async (page) => {
    const said = await page.locator('.said pre').allTextContents();
    assert.ok(said.includes(HOSTILE[0]) && said.includes(HOSTILE[1]), said.join('\n'));
  });
});

test('triage and failures show a cause in place of its tests', async () => {
  for (const path of ['/triage?suite=layout-tests', '/investigate?suite=layout-tests']) {
    await open(path, {}, async (page) => {
      const shared = page.locator('details', { hasText: 'tests say' }).last();
      assert.match(await shared.locator('summary').first().textContent(), /6 tests say\s+Could not connect to \*:\* in \* s/);
      assert.equal(await shared.getByRole('link', { name: 'net/3.html' }).isVisible(), false);
      await shared.locator('summary').first().click();
      assert.equal(await shared.getByRole('link', { name: 'net/3.html' }).isVisible(), true);
      await shared.getByRole('link', { name: 'Cause', exact: true }).click();
      await page.waitForURL(/\/causes\?suite=layout-tests&cause=[0-9a-f]{32}/);
      assert.match(await page.locator('main h2').first().textContent(), /Could not connect/);
    });
  }
});

test('a bug that is linked to a cause stands beside all of its tests until it is taken back', async () => {
  await open(SUITE, { javaScriptEnabled: false }, async (page) => {
    await row(page, 'Could not connect').getByRole('link').first().click();
    await page.locator('.known summary').click();
    await page.getByLabel('Page of the bug').fill('https://bugs.example.org/4711');
    await page.getByLabel('Note').fill('the proxy');
    await page.getByRole('button', { name: 'Link', exact: true }).click();
    await page.waitForURL(/\/causes\?suite=layout-tests&cause=[0-9a-f]{32}$/);
    assert.match(await page.locator('.known form').first().innerText(), /Known: bug 4711 the proxy/);
    page.evaluate = async () => undefined;
  });
  await open('/triage?suite=layout-tests&q=bug:4711', {}, async (page) => {
    assert.match(await page.locator('details', { hasText: 'tests say' }).last().locator('summary').first().textContent(), /6 tests say/);
    assert.equal(await page.getByText('alone.html').count(), 0);
  });
  await open('/?suite=layout-tests&test=net/2.html', {}, async (page) => {
    assert.match(await page.locator('.known form').first().innerText(), /bug 4711 the proxy.*saying Could not connect/s);
    await page.getByRole('button', { name: 'Unlink bug 4711' }).click();
    await page.waitForURL(/test=net/);
    assert.equal(await page.getByRole('button', { name: /Unlink/ }).count(), 0);
  });
});

test('nothing is cut off on a phone', async () => {
  for (const path of [SUITE, `${SUITE}&text=connect`]) {
    await open(path, { viewport: { width: 390, height: 800 } }, async (page) => {
      const wide = await page.locator('.scroll, .card, .said pre').evaluateAll((parts) => parts.map((part) => part.scrollWidth - part.clientWidth));
      assert.ok(wide.length > 0 && wide.every((width) => width <= 0), `${path} hides ${wide} px`);
    });
  }
});

test('the list comes as CSV', async () => {
  await open(SUITE, {}, async (page) => {
    const [csv] = await page.locator('.export a').evaluateAll((links) => links.map((link) => link.href));
    const lines = (await (await fetch(csv)).text()).trim().split('\n');
    assert.match(lines[0], /^cause,pattern,state,failures,tests,commits,configurations,first_seen,last_seen,/);
    assert.ok(lines.length > 5);
  });
});
