// Archives on an origin of their own: their pages are at home there, and nothing else is.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BINARY, freePort, launch, newKey, startBrowser, stop, upload } from './support.mjs';
import { zip } from './zip.mjs';

const TIME = Math.floor(Date.now() / 1000) - 3600;
const ARCHIVE = `?suite=layout-tests&uuid=${TIME}00`;
// Keeps something, asks its own origin, then tries the rest of the site. Names of files are put together, as links in archived
// pages are rewritten.
const PAGE = `<!DOCTYPE html><title>Results</title><p>All</p><a href="b.html">more</a><script>
const tried = async (address) => fetch(address).then((answer) => answer.status, () => 'refused');
const attempt = (work) => { try { return work(); } catch { return 'refused'; } };
const tell = async () => {
  const kept = attempt(() => { localStorage.kept = 'kept'; return localStorage.kept; });
  const above = parent === window ? 'alone' : attempt(() => parent.document.title);
  document.querySelector('p').textContent = ['told', await tried('/archive/a' + '.json' + location.search),
    await tried('/api/suites'), await tried('http://127.0.0.1:' + location.port + '/api/suites'), above, kept].join(' ');
};
tell();
</script>`;

// A server with an origin for archives; `config` follows in its configuration.
async function serveApart(config) {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'resultsdb-'));
  const archives = `http://localhost:${port}`;
  writeFileSync(join(directory, 'config.toml'), `archive_origin = "${archives}"\n${config}`);
  const child = spawn(BINARY, ['serve', '--data-dir', join(directory, 'data'), '--listen', `127.0.0.1:${port}`, '--config', join(directory, 'config.toml')],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error' } });
  const site = await launch(child);
  return { site, archives, end: () => stop(child).finally(() => rmSync(directory, { recursive: true, force: true })) };
}

const { site, archives, end } = await serveApart('');
const browser = await startBrowser();

after(async () => {
  await browser.close();
  await end();
});

before(async () => {
  await upload(site, { timestamp: TIME, start: TIME + 60, results: { 'a.html': { actual: 'TEXT' } } });
  await uploadArchive(site, {});
});

async function uploadArchive(site, headers) {
  const form = new FormData();
  form.append('file', new Blob([zip({ 'results.html': PAGE, 'b.html': '<p>More</p>', 'a.json': '{}', 'a.txt': 'text' })]), 'files.zip');
  form.append('suite', 'layout-tests');
  form.append('configuration', JSON.stringify({ platform: 'Mac', version: '14.2', version_name: 'Sonoma', is_simulator: false, architecture: 'arm64', style: 'Release', model: 'Mac14,3' }));
  form.append('commits', JSON.stringify([{ repository_id: 'webkit', branch: 'main', timestamp: TIME, hash: TIME.toString(16).padStart(40, '0') }]));
  form.append('timestamp', String(TIME + 60));
  const answer = await fetch(`${site}/api/upload/archive`, { method: 'POST', body: form, headers });
  if (answer.status !== 200) throw new Error(`archive: ${answer.status} ${await answer.text()}`);
}

// A page of the browser, which is closed after `check`.
async function visit(address, check) {
  const page = await browser.newPage();
  try {
    await page.goto(address);
    await check(page);
  } finally {
    await page.close();
  }
}

test('an archived page is shown from its own origin, uses it, and reaches nothing else', async () => {
  await visit(`${site}/archive-view/results.html${ARCHIVE}`, async (page) => {
    assert.match(await page.locator('iframe').getAttribute('src'), new RegExp(`^${archives}/archive/results%2Ehtml`));
    const told = page.frameLocator('iframe').locator('p').filter({ hasText: 'told' });
    await told.waitFor();
    // A browser may keep nothing for a page in a frame of another site.
    assert.match(await told.textContent(), /^told 200 404 refused refused (kept|refused)$/);
  });
  await visit(`${archives}/archive/results.html${ARCHIVE}`, async (page) => {
    await page.locator('p', { hasText: 'told' }).waitFor();
    assert.equal(await page.textContent('p'), 'told 200 404 refused alone kept');
    await page.getByRole('link').click();
    await page.waitForURL(new RegExp(`^${archives}/archive/b.html`));
    assert.equal(await page.textContent('p'), 'More');
  });
});

test('the site itself answers archived pages sandboxed, and links to where they are at home', async () => {
  const { headers } = await fetch(`${site}/archive/results.html${ARCHIVE}`);
  assert.match(headers.get('content-security-policy'), /^sandbox allow-scripts allow-popups;/);
  await visit(`${site}/archive${ARCHIVE}`, async (page) => {
    const hrefs = await page.locator('main a').evaluateAll((all) => all.map((link) => link.href));
    const links = hrefs.map(decodeURIComponent).filter((href) => /\/archive\/[^?]/.test(href));
    const apart = links.filter((link) => link.startsWith(archives));
    assert.ok(apart.length > 0 && apart.every((link) => /\.html\?/.test(link)), links.join(' '));
    assert.ok(links.filter((link) => link.startsWith(site)).every((link) => !/\.html\?/.test(link)), links.join(' '));
  });
});

test('the origin of archives has nothing of the site', async () => {
  for (const path of ['/', '/triage', '/api/suites', '/assets/style.css', '/metrics', `/archive${ARCHIVE}`, `/archive-view/a.txt${ARCHIVE}`]) {
    const answer = await fetch(archives + path);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', path);
  }
  for (const path of ['/api/upload', '/api/bugs', `/archive/a.txt${ARCHIVE}`]) {
    assert.equal((await fetch(archives + path, { method: 'POST', body: '{}' })).status, 404, path);
  }
});

test('where reading is closed, a page leads to its archive and to no other, and who has no link reads nothing', async () => {
  const { key, entry } = newKey('first', 'admin');
  const { site, archives, end } = await serveApart(`[access]\n${entry}`);
  try {
    await uploadArchive(site, { authorization: `Bearer ${key}` });
    const page = await browser.newPage();
    await page.goto(`${site}/archive-view/results.html${ARCHIVE}`);
    await page.getByLabel('Key').fill(key);
    await page.keyboard.press('Enter');
    const frame = page.frameLocator('iframe');
    await frame.locator('p', { hasText: 'told' }).waitFor();
    const address = await page.locator('iframe').getAttribute('src');
    assert.match(address, new RegExp(`^${archives}/apart/[0-9a-f]{64}\\.[0-9]+\\.[0-9a-f]{64}/archive/results%2Ehtml`));
    // Its own links lead on, also without a session.
    await page.context().clearCookies();
    await page.goto(address);
    await page.getByRole('link').click();
    await page.waitForURL(/\/apart\/[^/]+\/archive\/b\.html/);
    assert.equal(await page.textContent('p'), 'More');
    await page.close();
    const { pathname, search } = new URL(address);
    const answer = await fetch(address);
    assert.deepEqual([answer.status, answer.headers.get('cache-control')], [200, 'private,max-age=43200']);
    const [, , ticket] = pathname.split('/');
    const other = ticket.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    for (const path of [pathname.replace(ticket, other), pathname.replace(ticket, '1.1.1'), pathname.replace(/\.[0-9]+\./, '.9999999999.')]) {
      assert.equal((await fetch(archives + path + search)).status, 404, path);
    }
    assert.equal((await fetch(`${archives}/archive/results.html${ARCHIVE}`, { redirect: 'manual' })).status, 302);
    // The site itself has no such paths, and the ticket is for files alone.
    assert.equal((await fetch(site + pathname + search)).status, 404);
    assert.equal((await fetch(`${archives}/apart/${ticket}/archive/${search}`)).status, 404);
  } finally {
    await end();
  }
});
