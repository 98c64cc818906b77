// Pictures of every page on the demonstration data: node query/browser/screenshots.mjs FOLDER

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { command, postDemonstration, startBrowser, startServer } from './support.mjs';

const FLAKY = 'flaky.test_flaky::test_flaky_third';

const PAGES = {
  start: '/', test: '/?suite=layout-tests&test=css/flaky-000.html', suites: '/suites', triage: '/triage', changes: '/changes?suite=layout-tests', causes: '/causes?suite=layout-tests', 'causes-text': '/causes?suite=layout-tests&text=e', 'triage-search': '/triage?suite=layout-tests&q=status:still on:mac', known: '/?suite=layout-tests&test=dom/broken-001.html', compare: '/compare?suite=layout-tests&before=270100@main&after=270190@main', dashboards: '/dashboards?passing=true', failures: '/investigate', 'failures-of-suite': '/investigate?suite=layout-tests&unexpected=false', archive: '/archive?suite=layout-tests', missing: '/suitse', flaky: '/flaky?weeks=8', costs: '/costs?weeks=8', 'costs-by-owner': '/costs?weeks=8&by=owner', owners: '/owners', quarantine: '/quarantine?suite=layout-tests', durations: '/durations?suite=layout-tests', 'durations-of-test': '/durations?suite=layout-tests&test=css/flaky-000.html',
  'new-tests': '/new-tests?days=56', 'under-review': '/change',
  trends: '/trends?suite=layout-tests', 'trends-of-test': '/trends?suite=layout-tests&test=css/flaky-000.html',
  populations: '/compare/populations?weeks=1', commits: '/commits', 'commits-search': '/commits?q=author:ada', commit: '/commit?repository_id=webkit&ref=270100@main', documentation: '/documentation',
  uploads: '/uploads', run: '/investigate?suite=unit', attempts: `/?suite=unit&test=${encodeURIComponent(FLAKY)}`,
};
// What is opened before the picture is taken.
const OPENED = {
  async attempts(page) {
    await page.locator('[data-timeline][data-ready]').first().waitFor();
    await page.locator('tbody td.pass, tbody td.fail').first().click();
    await page.locator('dialog.drawer[open] ol.attempts').waitFor();
  },
};

const folder = process.argv[2] ?? 'screenshots';
mkdirSync(folder, { recursive: true });
const [server, browser] = await Promise.all([startServer('--set', 'owners=[{pattern="css/*",owners=["@css"]},{pattern="dom/*",owners=["@dom","ada@example.org"]}]', '--set', 'dashboard_queries=[{title="Mac layout tests",suite="layout-tests",platform="mac",warnAfter=72,expireAfter=400},{title="API tests",suite="api-tests",warnAfter=72,expireAfter=400}]'), startBrowser()]);
await postDemonstration(server.url);
// The run of a project that uses pytest, with retries, in one of three jobs, and an upload that is refused.
await command('upload', 'reports/tests/reports/pytest-rerunfailures-16.7/reruns.xml', '--url', server.url, '--suite', 'unit',
  '--repository', 'widget', '--branch', 'main', '--commit', 'c0ffee', '--commit-time', String(Math.floor(Date.now() / 1000) - 600),
  '--configuration', 'python=3.12', '--shard', '1/3', '--exit-code', '1', '--link', 'https://ci.example.org/77');
await fetch(`${server.url}/api/upload`, { method: 'POST', body: JSON.stringify({ suite: 'unit', configuration: { platform: 'Linux' } }) });
for (const [name, path] of Object.entries(PAGES)) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, width] of [['desktop', 1280], ['phone', 390]]) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 800 } });
      await page.goto(server.url + path);
      await OPENED[name]?.(page);
      await page.screenshot({ path: join(folder, `${name}-${device}-${colorScheme}.png`) });
      await page.close();
    }
  }
}
await browser.close();
await server.stop();
