// Archives on an origin of their own: their pages are at home there, and nothing else is.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BINARY, launch, startBrowser, stop, upload } from './support.mjs';
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

const port = await new Promise((done) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});
const directory = mkdtempSync(join(tmpdir(), 'resultsdb-'));
const child = spawn(BINARY, ['serve', '--data-dir', directory, '--listen', `127.0.0.1:${port}`, '--set', `archive_origin=http://localhost:${port}`],
  { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error' } });
const site = await launch(child);
const archives = `http://localhost:${port}`;
const browser = await startBrowser();

after(async () => {
  await browser.close();
  await stop(child);
  rmSync(directory, { recursive: true, force: true });
});

before(async () => {
  await upload(site, { timestamp: TIME, start: TIME + 60, results: { 'a.html': { actual: 'TEXT' } } });
  const form = new FormData();
  form.append('file', new Blob([zip({ 'results.html': PAGE, 'b.html': '<p>More</p>', 'a.json': '{}', 'a.txt': 'text' })]), 'files.zip');
  form.append('suite', 'layout-tests');
  form.append('configuration', JSON.stringify({ platform: 'Mac', version: '14.2', version_name: 'Sonoma', is_simulator: false, architecture: 'arm64', style: 'Release', model: 'Mac14,3' }));
  form.append('commits', JSON.stringify([{ repository_id: 'webkit', branch: 'main', timestamp: TIME, hash: TIME.toString(16).padStart(40, '0') }]));
  form.append('timestamp', String(TIME + 60));
  const answer = await fetch(`${site}/api/upload/archive`, { method: 'POST', body: form });
  if (answer.status !== 200) throw new Error(`archive: ${answer.status} ${await answer.text()}`);
});

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
