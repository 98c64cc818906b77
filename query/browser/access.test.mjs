// A server that asks for keys: signing in, keys, who did what, in a browser.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { accessible, newKey, opener, startBrowser, startServer } from './support.mjs';

const { key: KEY, entry } = newKey('<img src=x onerror=window.harmed=1>', 'admin');
const folder = mkdtempSync(join(tmpdir(), 'resultsdb-keys-'));
const config = join(folder, 'config.toml');
writeFileSync(config, `[access]\n${entry}`);
const browser = await startBrowser();
const server = await startServer('--config', config);
after(async () => {
  await browser.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
const open = opener(server, browser);

async function signIn(page, key = KEY) {
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('who has no key is led to where one can be shown, and back', async () => {
  await open('/flaky?weeks=2', { allowed: /401/ }, async (page) => {
    assert.match(page.url(), /\/sign-in\?to=/);
    await signIn(page, newKey('unknown', 'read').key);
    await page.getByRole('alert').waitFor();
    assert.match(await page.getByRole('alert').textContent(), /does not know it/);
    await signIn(page);
    await page.waitForURL(/\/flaky\?weeks=2$/);
    await page.goto(`${server.url}/sign-in`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto(`${server.url}/flaky`);
    assert.match(page.url(), /\/sign-in/);
  });
});

test('a key is made, shown once, replaced and revoked, from the keyboard', async () => {
  await open('/admin/keys', {}, async (page) => {
    await signIn(page);
    await page.getByLabel('What for').fill('<b>bots</b>');
    await page.getByLabel('Scopes').fill('upload:suite=layout-tests read');
    await page.keyboard.press('Enter');
    const key = await page.locator('code', { hasText: /^rdb_/ }).textContent();
    assert.match(key, /^rdb_u_[0-9A-Za-z]{49}$/);
    await page.getByRole('link', { name: 'All keys' }).click();
    const made = page.getByRole('row').filter({ hasText: '<b>bots</b>' });
    assert.match(await made.textContent(), /upload:suite=layout-tests read/);
    assert.ok(!(await page.content()).includes(key));
    await made.getByRole('button', { name: /^Replace/ }).click();
    assert.match(await page.locator('code', { hasText: /^rdb_/ }).textContent(), /^rdb_u_/);
    await page.getByRole('link', { name: 'All keys' }).click();
    await made.first().getByRole('button', { name: /^Revoke/ }).click();
    await page.getByText('revoked', { exact: true }).first().waitFor();
    await page.getByRole('link', { name: 'Who did what' }).click();
    assert.match(await page.getByRole('row').nth(1).textContent(), /<img.*ended a key/s);
  });
});

test('every state is accessible, with a session and without', async () => {
  await accessible(open, ['/sign-in', '/sign-in?to=/flaky']);
  const context = { cookies: await cookies() };
  await accessible((path, options, check) => open(path, { ...options, storageState: { cookies: context.cookies, origins: [] } }, check),
    ['/admin/keys', '/admin/audit', '/sign-in', '/flaky']);
});

// The cookies of a browser that signed in.
async function cookies() {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${server.url}/sign-in`);
  await signIn(page);
  await page.waitForURL(`${server.url}/`);
  const { cookies } = await context.storageState();
  await context.close();
  return cookies;
}
