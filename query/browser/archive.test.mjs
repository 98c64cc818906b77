// Archives: folders, files, comparisons of images and texts; all of it hostile.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { HOSTILE, accessible, served, upload } from './support.mjs';
import { crc32, zip } from './zip.mjs';

const TIME = Math.floor(Date.now() / 1000) - 3600;
const QUERY = `?suite=layout-tests&uuid=${TIME}00`;
const EVIL = '<script>top.harmed=1;parent.harmed=1;window.harmed=1</script>';
const REACHES = `<script>try { top.harmed = 1; } catch { document.querySelector('p').textContent = 'refused'; }</script>`;
const { server, open } = await served();

// An image of one colour, 40 by 30.
function png(...colour) {
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const row = Buffer.from([0, ...Array.from({ length: 40 }, () => colour).flat()]);
  const header = Buffer.from([0, 0, 0, 40, 0, 0, 0, 30, 8, 2, 0, 0, 0]);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(Array.from({ length: 30 }, () => row)))), chunk('IEND', Buffer.alloc(0))]);
}

before(async () => {
  await upload(server.url, { timestamp: TIME, start: TIME + 60, results: { 'css': { 'a.html': { actual: 'TEXT', expected: 'PASS' } } } });
  const form = new FormData();
  const files = {
    'css/a-actual.png': png(200, 0, 0), 'css/a-expected.png': png(0, 150, 0), 'css/a-diff.png': png(0, 0, 0),
    'css/a-actual.txt': 'one\nwidth is 100 px\n<b>bold</b>\n', 'css/a-expected.txt': 'one\nwidth is 120 px\n<b>bold</b>\n',
    'css/plain.json': `{"a": "${EVIL.replaceAll('"', '')}"}\n`, 'results.html': `<!DOCTYPE html><title>Results</title><p>All</p>${REACHES}`,
    'binary': Buffer.from([0, 1, 2]), 'empty.txt': '', ...Object.fromEntries(HOSTILE.slice(0, 5).map((name) => [`hostile/${name}-actual.txt`, EVIL])),
  };
  form.append('file', new Blob([zip(files)]), 'files.zip');
  form.append('suite', 'layout-tests');
  form.append('configuration', JSON.stringify({ platform: 'Mac', version: '14.2', version_name: 'Sonoma', is_simulator: false, architecture: 'arm64', style: 'Release', model: 'Mac14,3' }));
  form.append('commits', JSON.stringify([{ repository_id: 'webkit', branch: 'main', timestamp: TIME, hash: TIME.toString(16).padStart(40, '0') }]));
  form.append('timestamp', String(TIME + 60));
  const answer = await fetch(`${server.url}/api/upload/archive`, { method: 'POST', body: form });
  if (answer.status !== 200) throw new Error(`archive: ${answer.status} ${await answer.text()}`);
});

const view = (path, more = '') => `/archive-view/${path}${QUERY}${more}`;

test('every state of the pages is accessible, in light and dark, on a desk and on a phone', () => accessible(open, [
  `/archive${QUERY}`, `/archive/css/${QUERY}`, view('css/a-actual.txt'), view('css/a-actual.png'), view('css/a-diff.png', '&compare=overlay'),
  view('css/a-diff.png', '&compare=swap'), view('css/plain.json'), view('binary'), view('empty.txt'), view('results.html', '&as=text'),
]));

test('a folder has its folders first, sizes, a way up, and files that open', async () => {
  await open(`/archive${QUERY}`, {}, async (page) => {
    const names = await page.locator('tbody th').allTextContents();
    assert.deepEqual(names, ['css/', 'hostile/', 'binary', 'empty.txt', 'results.html']);
    assert.match(await page.locator('tr', { hasText: 'binary' }).textContent(), /text.*3 B/);
    await page.getByRole('link', { name: 'css/' }).press('Enter');
    await page.waitForURL(/archive\/css/);
    assert.equal(await page.locator('main').getByRole('link', { name: 'compare' }).count(), 5);
    await page.getByRole('link', { name: 'plain.json' }).click();
    await page.waitForURL(/archive-view/);
    assert.equal(await page.locator('.lines li').count(), 1);
    await page.getByRole('link', { name: 'css', exact: true }).click();
    await page.waitForURL(/archive\/css/);
    await page.getByRole('link', { name: '..' }).click();
    await page.waitForURL(/archive\?/);
  });
});

test('texts are compared by line and word', async () => {
  await open(view('css/a-expected.txt'), {}, async (page) => {
    assert.match(await page.textContent('.removed'), /width is 120 px/);
    assert.match(await page.textContent('.added'), /width is 100 px/);
    assert.deepEqual(await page.locator('.diff mark').allTextContents(), ['120', '100']);
    assert.equal(await page.locator('.diff b').count(), 0);
  });
});

test('images are compared side by side, with a slider and by swapping, from the keyboard, and the address says how', async () => {
  await open(view('css/a-actual.png'), {}, async (page) => {
    const loaded = await page.locator('.pictures img').evaluateAll((all) => Promise.all(all.map((image) => image.decode().then(() => image.naturalWidth))));
    assert.deepEqual(loaded, [40, 40, 40]);
    await page.getByRole('radio', { name: 'Side by side' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.waitForURL(/compare=overlay/);
    const clip = () => page.locator('figure.actual img').evaluate((image) => image.style.clipPath);
    assert.match(await clip(), /50%/);
    await page.getByRole('slider').press('Home');
    assert.match(await clip(), /0%|0px/);
    await page.getByRole('radio', { name: 'Swap' }).check();
    const visible = (name) => page.locator(`figure.${name}`).isVisible();
    assert.deepEqual([await visible('actual'), await visible('expected')], [true, false]);
    await page.getByRole('button', { name: 'Showing actual, swap' }).press('Enter');
    assert.deepEqual([await visible('actual'), await visible('expected')], [false, true]);
  });
  await open(view('css/a-actual.png', '&compare=overlay'), {}, async (page) => assert.ok(await page.getByRole('slider').isVisible()));
});

test('without scripts the images stand side by side', async () => {
  const html = await (await fetch(server.url + view('css/a-actual.png'))).text();
  assert.equal(html.match(/<figure/g).length, 3);
});

test('an archived page runs in its sandbox and reaches nothing', async () => {
  await open(view('results.html'), {}, async (page) => {
    assert.equal(await page.frameLocator('iframe').locator('p').textContent(), 'refused');
    assert.equal(await page.locator('iframe').getAttribute('sandbox'), 'allow-scripts allow-popups');
  });
  const { headers } = await fetch(server.url + view('results.html'));
  assert.match(headers.get('content-security-policy'), /script-src 'self'.*frame-src 'self'/);
});

test('hostile names and contents stay text', async () => {
  for (const name of HOSTILE.slice(0, 4)) {
    await open(view(`hostile/${encodeURIComponent(name)}-actual.txt`), {}, async (page) => {
      assert.equal(await page.textContent('.lines li'), EVIL);
      assert.equal(await page.locator('main script, main section img').count(), 0);
    });
  }
  await open(`/archive/hostile/${QUERY}`, {}, async (page) => assert.equal(await page.locator('main img, main script').count(), 0));
});
