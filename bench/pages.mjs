// Every kind of page on the demonstration in a real browser: how long its main thread works in all, and when its first content
// is seen: node bench/pages.mjs. Prints each figure beside its floor; a missed one ends with status 1.

import { postDemonstration, startBrowser, startServer } from '../query/browser/support.mjs';

const PAGES = {
  start: '/', suites: '/suites', triage: '/triage', changes: '/changes', failures: '/investigate', flaky: '/flaky?weeks=4',
  timeline: '/?suite=layout-tests&test=css/flaky-000.html', 'known failure': '/?suite=layout-tests&test=dom/broken-001.html',
  durations: '/durations?suite=layout-tests', trends: '/trends?suite=layout-tests', compare: '/compare?suite=layout-tests&before=270100@main&after=270190@main',
  populations: '/compare/populations?weeks=1', commits: '/commits', commit: '/commit?repository_id=webkit&ref=270100@main',
  archive: '/archive?suite=layout-tests', uploads: '/uploads', dashboards: '/dashboards?passing=true', documentation: '/documentation',
};
// A line of text: what the browser takes by itself, whatever it shows.
const NOTHING = '/__health';
const ROUNDS = 5;
const MAIN_THREAD = 150;
const FIRST_CONTENT = 100;

const median = (values) => values.sort((one, other) => one - other)[values.length >> 1];

// One visit in a browser that has nothing of the page in its own cache: milliseconds of the main thread and to first content.
async function visit(browser, address) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const busy = async () => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  const before = await busy();
  const answer = await page.goto(address, { waitUntil: 'load' });
  if (!answer.ok()) throw new Error(`${address} is answered with ${answer.status()}`);
  await page.waitForFunction(() => performance.getEntriesByName('first-contentful-paint').length > 0
    && [...document.querySelectorAll('[data-timeline]')].every((timeline) => timeline.matches('[data-ready]') || timeline.getBoundingClientRect().top > innerHeight));
  const first = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
  const spent = await busy() - before;
  await context.close();
  return { spent, first };
}

const [server, browser] = await Promise.all([startServer(), startBrowser()]);
let hasMissed = false;
try {
  await postDemonstration(server.url);
  console.log(`| page of the demonstration, median of ${ROUNDS} | main thread, ≤ ${MAIN_THREAD} ms | first content, ≤ ${FIRST_CONTENT} ms |\n|---|---|---|`);
  for (const [name, path] of Object.entries({ 'a line of text': NOTHING, ...PAGES })) {
    // The first answer of a process opens its tables' files.
    await visit(browser, server.url + path);
    const visits = [];
    for (let round = 0; round < ROUNDS; round++) visits.push(await visit(browser, server.url + path));
    const show = (value, floor) => {
      const isMissed = value > floor && path !== NOTHING;
      if (isMissed) hasMissed = true;
      return `${value.toFixed(0)} ms${isMissed ? ' MISSED' : ''}`;
    };
    console.log(`| ${name} | ${show(median(visits.map(({ spent }) => spent)), MAIN_THREAD)} | ${show(median(visits.map(({ first }) => first)), FIRST_CONTENT)} |`);
  }
} finally {
  await browser.close();
  await server.stop();
}
if (hasMissed) process.exitCode = 1;
