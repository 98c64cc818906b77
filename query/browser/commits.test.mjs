// Commits: search, pages, how their runs went, one commit with its neighbours, hostile messages.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const HOUR = 3600;
const NOW = Math.floor(Date.now() / 1000);
const COMMITS = 60;
const { server, open } = await served();

const timeOf = (index) => NOW - (COMMITS - index) * HOUR;
const pageOf = (index) => `/commit?repository_id=webkit&uuid=${timeOf(index)}00`;

before(async () => {
  const commits = [];
  for (let index = 0; index < COMMITS; index++) {
    const timestamp = timeOf(index);
    commits.push({ repository_id: 'webkit', branch: 'main', timestamp, hash: timestamp.toString(16).padStart(40, 'c'), identifier: `${5000 + index}@main`,
      message: index === 30 ? 'Fix the Zebra\n\nSee https://example.org/zebra?a=1&b=2, and bug 4711.\njavascript:window.harmed=1' : `Change ${index}\n${HOSTILE[index % HOSTILE.length]}`,
      author: { name: index === 31 ? HOSTILE[1] : 'Ada', emails: ['ada@example.org'] } });
  }
  await Promise.all(commits.map(async (commit) => {
    const answer = await fetch(`${server.url}/api/commits`, { method: 'POST', body: JSON.stringify(commit) });
    if (answer.status !== 200) throw new Error(await answer.text());
  }));
  for (const [index, style, actual] of [[58, 'Release', 'TEXT'], [58, 'Debug', 'PASS'], [30, 'Release', 'PASS']]) {
    await upload(server.url, { style, timestamp: timeOf(index), start: timeOf(index) + 60, results: { 'a.html': { actual, expected: 'PASS' } },
      commit: commits[index] });
  }
});

test('every state of the pages is accessible, in light and dark, on a desk and on a phone', () => accessible(open, [
  '/commits', '/commits?q=zebra', '/commits?q=nothing-has-this', '/commits?limit=x', `/commits?before_uuid=${timeOf(40)}00`,
  pageOf(30), pageOf(58), pageOf(0), pageOf(59),
]));

test('search finds messages, authors, hashes and identifiers, and says what to do if it finds nothing', async () => {
  const found = async (q, count) => open(`/commits?q=${encodeURIComponent(q)}&some=other`, {}, async (page) => {
    assert.equal(await page.locator('tbody tr').count(), count, q);
  });
  await found('zebra', 1);
  await found('FIX zebra', 1);
  await found('zebra change', 0);
  await found('5030@main', 1);
  await found(timeOf(30).toString(16).padStart(40, 'c'), 1);
  await found('author:ada zebra', 1);
  await found('author:zebra', 0);
  await open('/commits', {}, async (page) => {
    await page.getByRole('searchbox', { name: 'Search' }).fill('no such thing');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=no(\+|%20)such(\+|%20)thing/);
    await page.getByRole('link', { name: 'show the newest commits' }).click();
    await page.waitForURL(/\/commits$/);
  });
});

test('older and newer turn all pages, and the address says where', async () => {
  await open('/commits?limit=25', {}, async (page) => {
    const names = () => page.locator('td.name a:first-child').allTextContents();
    const seen = [await names()];
    for (const _ of [1, 2]) {
      await page.getByRole('link', { name: 'Older' }).first().click();
      await page.waitForURL(/before_uuid=/);
      await page.waitForFunction((last) => !document.querySelector('main').textContent.includes(last), seen.at(-1).at(-1));
      seen.push(await names());
    }
    assert.deepEqual(seen.flat(), Array.from({ length: COMMITS }, (_, index) => `${5000 + COMMITS - 1 - index}@main`));
    assert.equal(await page.getByRole('link', { name: 'Older' }).count(), 0);
    await page.getByRole('link', { name: 'Newer' }).first().click();
    await page.waitForURL(/after_uuid=/);
    assert.deepEqual(await names(), seen[1]);
  });
});

test('a row says how the runs went, in words, and leads to their failures', async () => {
  await open('/commits', {}, async (page) => {
    const row = page.locator('tr', { hasText: '5058@main' });
    await row.getByRole('link', { name: 'layout-tests: 1 of 2 runs failed' }).click();
    await page.waitForURL(/investigate/);
    assert.match(await page.textContent('h1'), /5058@main/);
    assert.match(await page.textContent('main'), /a\.html/);
  });
});

test('a commit shows its runs and its neighbours, and no link leads beyond the ends', async () => {
  await open(pageOf(58), {}, async (page) => {
    assert.match(await page.textContent('.outcomes'), /1 of 1 failed/);
    assert.match(await page.textContent('.outcomes'), /1 as expected/);
    await page.getByRole('link', { name: 'Next: 5059@main' }).click();
    await page.waitForURL((url) => url.search.includes(`${timeOf(59)}00`));
    assert.equal(await page.locator('a[rel=next]').count(), 0);
    assert.match(await page.textContent('main'), /Nothing ran on this commit/);
  });
  await open(pageOf(0), {}, async (page) => assert.equal(await page.locator('a[rel=prev]').count(), 0));
});

test('addresses and bug numbers in a message are links, other schemes are text', async () => {
  await open(pageOf(30), {}, async (page) => {
    const links = await page.locator('pre a').evaluateAll((all) => all.map((link) => [link.href, link.rel]));
    assert.deepEqual(links, [
      ['https://example.org/zebra?a=1&b=2', 'noreferrer nofollow'],
      ['https://bugs.webkit.org/show_bug.cgi?id=4711', 'noreferrer nofollow'],
    ]);
  });
});

test('hostile messages and authors stay text', async () => {
  await open('/commits', {}, async (page) => {
    for (const summary of await page.locator('summary').all()) await summary.click();
    assert.equal(await page.locator('main img, main script').count(), 0);
  });
});
