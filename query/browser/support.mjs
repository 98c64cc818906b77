// A server with hostile and ordinary data, and a browser.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const ROOT = new URL('../..', import.meta.url).pathname;
const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run'];

// `serve` on an empty directory; `stop` ends it and removes the directory.
export async function startServer(...extra) {
  const directory = mkdtempSync(join(tmpdir(), 'resultsdb-'));
  const child = spawn(join(ROOT, 'target/release/resultsdb'),
    ['serve', '--data-dir', directory, '--listen', '127.0.0.1:0', '--config', join(ROOT, 'examples/webkit.toml'), ...extra],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error' } });
  const [line] = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next().then((next) => [next.value]);
  const url = line.replace('listening on ', '');
  const stop = () => new Promise((done) => {
    child.once('exit', () => {
      rmSync(directory, { recursive: true, force: true });
      done();
    });
    child.kill('SIGTERM');
  });
  return { url, stop };
}

// Posts the demonstration's data; ends once all of it is visible.
export async function postDemonstration(url) {
  const child = spawn(join(ROOT, 'target/release/resultsdb'), ['demo', '--url', url], { stdio: 'inherit' });
  const status = await new Promise((done) => child.once('exit', done));
  if (status !== 0) throw new Error(`the demonstration ended with ${status}`);
}

export async function startBrowser() {
  const executablePath = BROWSERS.find(existsSync);
  if (!executablePath) throw new Error(`no browser at ${BROWSERS.join(', ')}; install chromium`);
  return chromium.launch({ executablePath, args: QUIET });
}

export async function upload(url, { suite = 'layout-tests', style = 'Release', timestamp, start, results, commit = {} }) {
  const answer = await fetch(`${url}/api/upload`, {
    method: 'POST',
    body: JSON.stringify({
      suite, timestamp: start ?? timestamp, version: 0,
      configuration: { platform: 'Mac', version: '14.2', version_name: 'Sonoma', is_simulator: false, architecture: 'arm64', style, model: 'Mac14,3' },
      commits: [{ repository_id: 'webkit', branch: 'main', timestamp, hash: timestamp.toString(16).padStart(40, '0'),
        identifier: `${timestamp % 100000}@main`, message: 'A change', author: { name: 'Ada', emails: ['ada@example.org'] }, ...commit }],
      test_results: { details: { link: 'https://ci.example.org/1' }, run_stats: {}, results },
    }),
  });
  if (answer.status !== 200) throw new Error(`upload: ${answer.status} ${await answer.text()}`);
}
