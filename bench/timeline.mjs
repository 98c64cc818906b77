// The timeline of a test with fifty thousand runs on each of twelve configurations, in a real store and a real browser:
// node bench/timeline.mjs [RUNS]. Prints each figure beside its floor; a missed one ends with status 1.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BINARY, launch, startBrowser, stop, upload } from '../query/browser/support.mjs';

const RUNS = Number(process.argv[2] ?? 50_000);
const CONFIGURATIONS = 12;
const STEP = 1800;
const SCROLL_MS = 20_000;
const directory = mkdtempSync(join(tmpdir(), 'resultsdb-'));
const secret = join(directory, 'password');
writeFileSync(secret, 'bench');

// Runs `work` with a process that listens, and waits until it ended.
async function beside(argv, work) {
  const child = spawn(BINARY, argv, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, RUST_LOG: 'error' } });
  try {
    return await work(await launch(child));
  } finally {
    await stop(child);
  }
}
const serve = (work) => beside(['serve', '--data-dir', directory, '--listen', '127.0.0.1:0'], work);

async function fill() {
  const timestamp = Math.floor(Date.now() / 1000) - 3600;
  await serve(async (url) => {
    for (let index = 0; index < CONFIGURATIONS; index++) {
      const configuration = { style: index % 2 ? 'Debug' : 'Release', flavor: `wk${index >> 1}` };
      await upload(url, { timestamp, start: timestamp + 60, configuration, results: { 'a.html': { actual: 'PASS', time: 12 } } });
    }
  });
  // The same results half an hour earlier, an hour earlier and so on, a few of them failures.
  await beside(['engine', '--data-dir', join(directory, 'store'), '--port', '0', '--password-file', secret], async (url) => {
    const run = async (sql) => {
      const answer = await fetch(`${url}/?database=resultsdb`, { method: 'POST', body: sql, headers: { 'X-ClickHouse-User': 'default', 'X-ClickHouse-Key': 'bench' } });
      if (!answer.ok) throw new Error(await answer.text());
    };
    const before = `uuid - (number + 1) * ${STEP * 100}`;
    const settings = 'SETTINGS max_partitions_per_insert_block = 0';
    await run(`INSERT INTO results SELECT suite, test_id, branch, config_id, ${before}, sdk, start_time - (number + 1) * ${STEP},
      multiIf(cityHash64(config_id, number) % 100 < 2, 16, cityHash64(config_id, number) % 1000 = 999, 1, 256), expected,
      time_and_one + number % 50, extra, version FROM results CROSS JOIN numbers(${RUNS - 1}) AS n ${settings}`);
    await run(`INSERT INTO commits SELECT repository, branch, ${before} AS at, lower(hex(sipHash128(number))) AS name, 0, '',
      concat('{"repository_id":"webkit","branch":"main","timestamp":', toString(intDiv(at, 100)), ',"order":0,"hash":"', name, '","message":"A change"}'), version
      FROM commits CROSS JOIN numbers(${RUNS - 1}) AS n ${settings}`);
  });
}

// In the page: the longest time that a cell which is seen was empty while everything is scrolled by.
async function scrollThrough(duration) {
  const frame = document.querySelector('.scroll.windowed');
  const [begun, end] = [performance.now(), frame.scrollWidth - frame.clientWidth];
  let [since, longest] = [null, 0];
  for (let now = begun; now - begun < duration; now = await new Promise(requestAnimationFrame)) {
    frame.scrollLeft = (now - begun) / duration * end;
    const isBlank = frame.querySelector('td.loading') !== null;
    if (isBlank) since ??= now;
    else since = null;
    if (since !== null) longest = Math.max(longest, now - since);
  }
  frame.scrollLeft = end;
  return longest;
}

// In the page: a change of the filter until it is painted.
async function toggle() {
  const begun = performance.now();
  document.querySelector('.toggle').click();
  await new Promise(requestAnimationFrame);
  await new Promise((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(null);
  });
  return performance.now() - begun;
}

async function measure(url) {
  const browser = await startBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.addInitScript(() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask', buffered: true });
  });
  // The first question of a process opens its tables' files; people find it warm.
  await page.goto(`${url}/suites`);
  await page.goto(`${url}/?suite=layout-tests&test=a.html`);
  await page.locator('[data-ready]').waitFor();
  const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  const columns = await page.getByRole('grid').getAttribute('aria-colcount');
  if (Number(columns) !== RUNS + 1) throw new Error(`${columns} columns`);
  const toggles = [];
  for (let count = 0; count < 11; count++) toggles.push(await page.evaluate(toggle));
  const long = await page.evaluate(() => window.long.reduce((sum, one) => sum + one, 0));
  const blank = await page.evaluate(scrollThrough, SCROLL_MS);
  const scrolling = await page.evaluate(() => window.long.reduce((sum, one) => sum + one, 0));
  await page.locator(`td[aria-colindex="${RUNS + 1}"]`).first().waitFor();
  await browser.close();
  return [
    ['first content', first, 300],
    ['long tasks of the main thread until it can be used', long, 200],
    ['change of the filter, median', toggles.sort((one, other) => one - other)[5], 50],
    [`longest blank cell while ${RUNS} columns pass in ${SCROLL_MS / 1000} s`, blank, 100],
    ['long tasks while they pass', scrolling - long, 200],
  ];
}

try {
  await fill();
  const figures = await serve(measure);
  console.log(`| a timeline of ${RUNS} runs on ${CONFIGURATIONS} configurations | measured | floor |\n|---|---|---|`);
  for (const [name, value, floor] of figures) console.log(`| ${name} | ${value.toFixed(0)} ms | ≤ ${floor} ms${value > floor ? ' MISSED' : ''} |`);
  if (figures.some(([, value, floor]) => value > floor)) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
