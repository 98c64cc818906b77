// What browsers are told about every answer: pages load nothing foreign and nothing inline, types are as they say, and
// files of archives that could be anything are saved.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { served, upload } from './support.mjs';
import { zip } from './zip.mjs';

const TIME = Math.floor(Date.now() / 1000) - 3600;
const HASH = TIME.toString(16).padStart(40, '0');
const ARCHIVE = `?suite=layout-tests&uuid=${TIME}00`;
const RUN = `suite=layout-tests&uuid=${TIME}00&after_time=${TIME + 60}&before_time=${TIME + 60}`;
const { server, open } = await served();

// By route of a page: addresses that show it.
const PAGES = {
  '/': ['/', '/?suite=layout-tests&test=css/a.html'],
  '/search': ['/search'],
  '/suites': ['/suites', '/suites?suite=layout-tests'],
  '/triage': ['/triage', '/triage?q=status:new'],
  '/changes': ['/changes'],
  '/change': ['/change'],
  '/change/{*id}': ['/change/7'],
  '/causes': ['/causes', '/causes?suite=layout-tests&text=a'],
  '/investigate': [`/investigate?${RUN}`],
  '/dashboards': ['/dashboards'],
  '/compare': ['/compare'],
  '/compare/populations': ['/compare/populations'],
  '/flaky': ['/flaky'],
  '/new-tests': ['/new-tests'],
  '/quarantine': ['/quarantine', '/quarantine?suite=layout-tests'],
  '/costs': ['/costs', '/costs?by=owner'],
  '/owners': ['/owners'],
  '/quality': ['/quality', '/quality?suite=layout-tests'],
  '/durations': ['/durations', '/durations?suite=layout-tests'],
  '/sql': ['/sql'],
  '/trends': ['/trends', '/trends?suite=layout-tests&test=css/a.html'],
  '/commits': ['/commits'],
  '/commit': [`/commit?id=${HASH}`],
  '/archive': [`/archive${ARCHIVE}`],
  '/archive/': [`/archive/${ARCHIVE}`],
  '/archive-view/{*file}': ['a.txt', 'a.json', 'results.html', 'core'].map((file) => `/archive-view/${file}${ARCHIVE}`),
  '/dead-letters': ['/dead-letters'],
  '/uploads': ['/uploads'],
  '/sign-in': ['/sign-in'],
  '/admin/keys': ['/admin/keys'],
  '/admin/audit': ['/admin/audit'],
  '/documentation': ['/documentation'],
};

// By route of what is no page: addresses, of which some lead elsewhere.
const OTHER = {
  '/triage.atom': ['/triage.atom'],
  '/run': [`/run?${RUN}`],
  '/commit/info': [`/commit/info?ref=${HASH}`],
  '/commit/next': [`/commit/next?id=${HASH}`],
  '/commit/previous': [`/commit/previous?id=${HASH}`],
  '/badge/{*badge}': ['/badge/layout-tests.svg', '/badge/layout-tests/css%2Fa.html.svg'],
  '/urls/queue': [`/urls/queue?${RUN}`],
  '/urls/build': [`/urls/build?${RUN}`],
  '/urls/worker': [`/urls/worker?${RUN}`],
  '/archive/{*file}': ['a.txt', 'a.json', 'a.css', 'results.html', 'core', 'a.bin', 'none'].map((file) => `/archive/${file}${ARCHIVE}`),
  '/apart/{ticket}/archive/{*file}': [`/apart/none/archive/a.txt${ARCHIVE}`],
  '/sign-in/provider': ['/sign-in/provider'],
  '/sign-in/back': ['/sign-in/back?error=access_denied'],
  '/archive-routes': ['/archive-routes'],
  '/assets/js/constants.js': ['/assets/js/constants.js'],
  '/assets/{*file}': ['/assets/style.css', '/assets/icon.svg', '/assets/js/states.js', '/assets/none'],
  '/library/{*file}': ['/library/none'],
};

// The routes that the functions with these names list.
function routes(...functions) {
  const source = readFileSync(new URL('../src/router.rs', import.meta.url), 'utf8');
  return functions.flatMap((name) => {
    const body = source.split(`fn ${name}()`)[1].split('\n}\n')[0];
    return [...body.matchAll(/\.get\(Rule::\w+, "([^"]+)"/g)].map((match) => match[1]);
  });
}

// Fails unless a policy names its own host alone, and nothing inline.
function assertStrict(policy, path) {
  const directives = new Map(policy?.split(';').map((directive) => directive.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));
  for (const [name, sources] of directives) {
    for (const source of sources) assert.match(source, /^'(none|self)'$/, `${path}: ${name} allows ${source}`);
  }
  for (const name of ['default-src', 'base-uri', 'frame-ancestors']) {
    assert.deepEqual(directives.get(name), ["'none'"], `${path}: ${name} of ${policy}`);
  }
}

async function headersOf(path, options = {}) {
  const { headers } = await fetch(server.url + path, { redirect: 'manual', ...options });
  assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
  assert.equal(headers.get('referrer-policy'), 'same-origin', path);
  return headers;
}

before(async () => {
  await upload(server.url, { timestamp: TIME, start: TIME + 60, results: { css: { 'a.html': { actual: 'TEXT', expected: 'PASS' } } } });
  await upload(server.url, { timestamp: TIME + 5, start: TIME + 70, commit: { branch: 'change/7', identifier: undefined },
    results: { css: { 'a.html': { actual: 'CRASH', expected: 'PASS' } } } });
  const form = new FormData();
  const files = {
    'a.txt': 'text\n', 'a.json': '{}', 'a.css': 'p { color: red }', 'results.html': '<!DOCTYPE html><title>Results</title><p>All</p>',
    'core': Buffer.from([127, 69, 76, 70, 0]), 'a.bin': '<script>window.harmed=1</script>', 'notes': 'text\n', 'a.xhtml': '<html/>',
  };
  form.append('file', new Blob([zip(files)]), 'files.zip');
  form.append('suite', 'layout-tests');
  form.append('configuration', JSON.stringify({ platform: 'Mac', version: '14.2', version_name: 'Sonoma', is_simulator: false, architecture: 'arm64', style: 'Release', model: 'Mac14,3' }));
  form.append('commits', JSON.stringify([{ repository_id: 'webkit', branch: 'main', timestamp: TIME, hash: HASH }]));
  form.append('timestamp', String(TIME + 60));
  const answer = await fetch(`${server.url}/api/upload/archive`, { method: 'POST', body: form });
  if (answer.status !== 200) throw new Error(`archive: ${answer.status} ${await answer.text()}`);
});

test('every route of a page is looked at here', () => {
  const looked = [...Object.keys(PAGES), ...Object.keys(OTHER)].sort();
  assert.deepEqual(looked, routes('kept_pages', 'fresh_pages', 'static_pages').sort());
});

test('every page has a strict policy, and breaks it nowhere', async () => {
  for (const path of Object.values(PAGES).flat()) {
    const headers = await headersOf(path);
    assert.match(headers.get('content-type'), /^text\/html/, path);
    assertStrict(headers.get('content-security-policy'), path);
    const loaded = new Set();
    // What breaks a policy is an error of the console, on which `open` fails.
    await open(path, {}, async (page) => {
      const names = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.name));
      names.forEach((name) => loaded.add(name.slice(server.url.length)));
    });
    assert.ok(loaded.size > 0, `${path} has a style at least`);
    for (const resource of loaded) {
      // What is new on a page comes as an answer without an end.
      const listener = new AbortController();
      await headersOf(resource, { signal: listener.signal });
      listener.abort();
    }
  }
});

test('a browser refuses what a page does not allow', async () => {
  await open('/documentation', { allowed: /Content Security Policy/ }, async (page) => {
    const refused = await page.evaluate(() => new Promise((done) => {
      document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.harmed = 1';
      document.body.append(script);
    }));
    assert.equal(refused, 'script-src-elem');
  });
});

test('pages of errors are as strict', async () => {
  for (const path of ['/nothing', '/triage?q=stauts:new', `/archive/none${ARCHIVE}`, '/run?suite=none']) {
    const headers = await headersOf(path, { headers: { accept: 'text/html' } });
    assert.match(headers.get('content-type'), /^text\/html/, path);
    assertStrict(headers.get('content-security-policy'), path);
  }
});

test('every other answer says that its type is as it says', async () => {
  const api = routes('kept_api', 'fresh_api', 'static_api').filter((path) => path !== '/api/live');
  const filled = api.map((path) => path.replace('{suite}', 'layout-tests').replace('{*suite}', 'layout-tests').replace(/\{[^}]+\}/g, 'css'));
  for (const path of [...Object.values(OTHER).flat(), ...filled, '/__health', '/__ready', '/metrics', '/a//b']) await headersOf(path);
  for (const path of ['/api/upload', '/api/reports', '/api/bugs', '/nothing']) await headersOf(path, { method: 'POST', body: 'x' });
  const live = await fetch(`${server.url}/api/live`);
  assert.equal(live.headers.get('x-content-type-options'), 'nosniff');
  await live.body.cancel();
});

test('files of archives are sandboxed, and saved where they could be anything', async () => {
  const served = async (file, more = '') => {
    const headers = await headersOf(`/archive/${file}${ARCHIVE}${more}`);
    assert.match(headers.get('content-security-policy'), /^sandbox allow-scripts allow-popups;.*connect-src 'none'/, file);
    assert.doesNotMatch(headers.get('content-security-policy'), /allow-same-origin|allow-top-navigation/, file);
    return [headers.get('content-type').replaceAll(' ', ''), headers.get('content-disposition')];
  };
  for (const file of ['core', 'a.bin', 'a.xhtml']) {
    assert.deepEqual(await served(file), ['application/octet-stream', 'attachment'], file);
  }
  for (const file of ['a.txt', 'notes']) assert.deepEqual(await served(file), ['text/plain;charset=utf-8', 'inline'], file);
  assert.deepEqual(await served('results.html'), ['text/html;charset=utf-8', 'inline']);
  assert.deepEqual(await served('a.bin', '&format=txt'), ['text/plain;charset=utf-8', 'inline']);
  const download = await headersOf(`/api/upload/archive${ARCHIVE}`);
  assert.match(download.get('content-disposition'), /^attachment/);
});
