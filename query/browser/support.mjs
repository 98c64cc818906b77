// A server with hostile and ordinary data, and a browser.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

const ROOT = new URL('../..', import.meta.url).pathname;
export const BINARY = join(ROOT, process.env.RESULTSDB ?? 'target/release/resultsdb');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run'];

// What an uploader may call a test; each would do harm on a page that took it for more than text.
export const HOSTILE = [
  '<img src=x onerror="window.harmed=1">.html', '"><script>window.harmed=1</script>', "' onmouseover='window.harmed=1",
  '{{ 7*7 }}', '..%2f..', 'javascript:window.harmed=1', 'مرحبا\u202Eevil.html', '🧪🔬.html', `${'long'.repeat(500)}.html`,
];

// `serve` on an empty directory; `stop` ends it and removes the directory.
export async function startServer(...extra) {
  const directory = mkdtempSync(join(tmpdir(), 'resultsdb-'));
  const { url, stop } = await serveIn(directory, {}, ...extra);
  return { url, stop: () => stop().finally(() => rmSync(directory, { recursive: true, force: true })) };
}

// `serve` on a directory, which stays when `stop` ends it; `environment` is added to that of this process.
export async function serveIn(directory, environment, ...extra) {
  const child = spawn(BINARY,
    ['serve', '--data-dir', directory, ...(extra.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']),
      ...(extra.includes('--config') ? [] : ['--config', join(ROOT, 'examples/webkit.toml')]), ...extra],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error', ...environment } });
  return { url: await launch(child), stop: () => stop(child) };
}

// Variables that show a process a clock which is behind by so many seconds; waiting goes by the machine's monotonic clock all the same.
export function clockBehind(seconds) {
  const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';
  assert.ok(existsSync(library), 'scripts/fetch.sh tests installs libfaketime');
  return { LD_PRELOAD: library, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME: `-${seconds}s` };
}

// Where a process listens, once it does.
export async function launch(child) {
  const { value: line } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (!line) throw new Error('the server ended before it listened');
  return line.replace('listening on ', '');
}

// Ends a process and waits for it; one that has ended by itself is no reason to wait.
export function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => {
    child.once('exit', done);
    child.kill('SIGTERM');
  });
}

let ports = 0;

// A port for a server that has to be known before that starts. Systems give ports above these to whoever asks for any, as browsers do
// for each connection, and files of tests that run at the same time begin elsewhere: nobody takes it meanwhile.
export async function freePort() {
  for (;;) {
    const port = 16_000 + ((process.pid % 1000) * 16 + ports++) % 16_000;
    const isFree = await new Promise((done) => {
      const probe = createServer().once('error', () => done(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (isFree) return port;
  }
}

// Posts the demonstration's data; ends once all of it is visible.
export const postDemonstration = (url) => command('demo', '--url', url);

// Runs a command of the binary to its end.
export async function command(...words) {
  const child = spawn(BINARY, words, { stdio: 'inherit', cwd: ROOT });
  const status = await new Promise((done) => child.once('exit', done));
  if (status !== 0) throw new Error(`${words[0]} ended with ${status}`);
}

export async function startBrowser() {
  const executablePath = BROWSERS.find(existsSync);
  if (!executablePath) throw new Error(`no browser at ${BROWSERS.join(', ')}; install chromium`);
  return chromium.launch({ executablePath, args: QUIET });
}

// The identifier of the commit that `upload` makes at a time: identifiers order a branch, so it has to grow with the clock for good.
export const identifierAt = (timestamp) => `${timestamp}@main`;

export async function upload(url, { suite = 'layout-tests', style = 'Release', timestamp, start, results, run_stats = {}, commit = {}, configuration = {}, more = {} }) {
  const answer = await fetch(`${url}/api/upload`, {
    method: 'POST',
    body: JSON.stringify({
      suite, timestamp: start ?? timestamp, version: 0,
      configuration: { platform: 'Mac', version: '14.2', version_name: 'Sonoma', is_simulator: false, architecture: 'arm64', style, model: 'Mac14,3', ...configuration },
      commits: [{ repository_id: 'webkit', branch: 'main', timestamp, hash: timestamp.toString(16).padStart(40, '0'),
        identifier: identifierAt(timestamp), message: 'A change', author: { name: 'Ada', emails: ['ada@example.org'] }, ...commit }],
      test_results: { details: { link: 'https://ci.example.org/1' }, run_stats, results },
      ...more,
    }),
  });
  if (answer.status !== 200) throw new Error(`upload: ${answer.status} ${await answer.text()}`);
}

// A key for a configuration, as the command makes it: its text, and the entry that names it.
export function newKey(name, scope) {
  const { stdout, stderr } = spawnSync(BINARY, ['keys', 'create', '--name', name, '--scope', scope], { encoding: 'utf8' });
  return { key: stdout.trim(), entry: stderr.slice(stderr.indexOf('[[access.keys]]')) };
}

// A server and a browser for one file of tests, which end with it, and what opens a page of the one in the other.
export async function served(...extra) {
  const browser = await startBrowser();
  const server = await startServer(...extra);
  after(async () => {
    await browser.close();
    await server.stop();
  });
  return { server, browser, open: opener(server, browser) };
}

// A function that opens a page of a server, lets `check` look at it, and fails on what must never happen on one.
export function opener(server, browser) {
  // `allowed` matches what a test brings about itself in the browser's log.
  return async (path, { allowed, ...options } = {}, check = async () => {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(`script: ${error.message}`));
    page.on('console', (message) => message.type() === 'error' && wrong.push(`console: ${message.text()}`));
    page.on('request', (request) => !request.url().startsWith(server.url) && wrong.push(`left the host: ${request.url()}`));
    try {
      const response = await page.goto(server.url + path);
      assert.equal(response.status(), 200, path);
      await check(page);
      assert.equal(await page.evaluate(() => window.harmed), undefined, `${path}: an uploaded name ran`);
      assert.deepEqual(wrong.filter((line) => !allowed?.test(line)), [], path);
    } finally {
      await context.close();
    }
  };
}

// Has the browser lay out and paint what it would leave out because it is far from what is seen.
const showAll = (page) => page.evaluate(() => {
  for (const card of document.querySelectorAll('section.card')) card.style.contentVisibility = 'visible';
});

// How much wider than its window a page is.
export async function overflow(page) {
  await showAll(page);
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

// No accessibility violation and no sideways scrolling, in light and dark, on a desk and on a phone.
export async function accessible(open, paths) {
  for (const path of paths) {
    for (const width of [1280, 390]) {
      await open(path, { viewport: { width, height: 800 } }, async (page) => {
        await showAll(page);
        await page.evaluate(AXE);
        const check = async (colorScheme, rules) => {
          await page.emulateMedia({ colorScheme });
          const { violations } = await page.evaluate((rules) => window.axe.run(rules), rules);
          const found = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(' | ')}`);
          assert.deepEqual(found, [], `${path} ${colorScheme} ${width}`);
          assert.ok(await overflow(page) <= 0, `${path} is wider than a window of ${width} px`);
        };
        await check('light', {});
        // The other rules do not look at colours.
        await check('dark', { runOnly: ['color-contrast', 'link-in-text-block'] });
      });
    }
  }
}
