// Search: suggestions, parts of names, patterns, pasted lists, hostile names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { HOSTILE, accessible, served, upload } from './support.mjs';

const NOW = Math.floor(Date.now() / 1000);
const { server, open } = await served();

before(async () => {
  const leaf = { actual: 'PASS', expected: 'PASS' };
  const results = {
    fast: { 'steady.html': leaf, 'regressed.html': leaf, 'flaky-100%.html': leaf },
    hostile: Object.fromEntries(HOSTILE.map((name) => [name, leaf])),
  };
  await upload(server.url, { timestamp: NOW - 3600, results });
  await upload(server.url, { timestamp: NOW - 3600, suite: 'api-tests', results: { 'WTF.Regressed': leaf } });
});

const box = (page) => page.getByRole('combobox', { name: 'Test' });
const options = (page) => page.locator('.suggestions [role=option]');

test('a part of a name is enough, in any case, in every suite', async () => {
  await open('/', {}, async (page) => {
    await box(page).pressSequentially('regr');
    await page.getByRole('option', { name: 'WTF.Regressed api-tests' }).waitFor();
    await box(page).press('ArrowDown');
    const active = await box(page).getAttribute('aria-activedescendant');
    assert.equal(await page.locator(`#${active}`).getAttribute('aria-selected'), 'true');
    await page.getByRole('option', { name: 'fast/regressed.html layout-tests' }).click();
    await page.waitForURL(/suite=layout-tests&test=fast%2Fregressed\.html/);
    assert.match(await page.textContent('.card h2'), /fast\/regressed\.html/);
  });
});

test('keys move through the suggestions, Enter opens one, Escape closes them', async () => {
  await open('/', {}, async (page) => {
    await box(page).pressSequentially('fast/st');
    await options(page).first().waitFor();
    await box(page).press('Escape');
    assert.ok(await page.locator('.suggestions').isHidden());
    await box(page).press('e');
    await options(page).first().waitFor();
    await box(page).press('ArrowDown');
    await box(page).press('Enter');
    await page.waitForURL(/test=fast%2Fsteady\.html/);
  });
});

test('stars and question marks stand for others, and nothing else does', async () => {
  await open('/', {}, async (page) => {
    await box(page).fill('fast/*%.html');
    await options(page).first().waitFor();
    assert.deepEqual(await options(page).allTextContents(), ['fast/flaky-100%.html layout-tests']);
  });
});

test('a pasted list shows a timeline of each of its tests', async () => {
  await open('/', {}, async (page) => {
    await box(page).focus();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text', 'fast/steady.html [ Pass ]\nfast/regressed.html [ Failure ]\nno/such.html');
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, cancelable: true, bubbles: true }));
    });
    await options(page).first().waitFor();
    assert.equal(await options(page).count(), 2);
    await box(page).press('Enter');
    await page.waitForURL(/test=/);
    assert.deepEqual(await page.locator('.card h2').allTextContents(), ['fast/steady.html layout-tests', 'fast/regressed.html layout-tests']);
  });
});

test('hostile names stay text, and can be found', async () => {
  await open('/', {}, async (page) => {
    await box(page).fill('hostile/');
    await options(page).first().waitFor();
    assert.equal(await options(page).count(), HOSTILE.length);
    assert.equal(await page.locator('.suggestions img, .suggestions script').count(), 0);
  });
});

test('without a script the form finds too', async () => {
  await open('/?suite=&test=REGR', { javaScriptEnabled: false }, async (page) => {
    const found = await page.locator('.choices li').allTextContents();
    assert.deepEqual(found, ['WTF.Regressed api-tests', 'fast/regressed.html layout-tests']);
    page.evaluate = async () => undefined;
  });
});

test('what is found and what is not are accessible', () => accessible(open, ['/?suite=&test=regr', '/?suite=&test=nothing-like-it']));
