// People sign in at an identity provider: a small one of this test, which checks what it is sent, in a browser.

import assert from 'node:assert/strict';
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { accessible, freePort, opener, startBrowser, startServer } from './support.mjs';

const CLIENT = { id: 'results', secret: randomBytes(16).toString('hex') };
const GROUPS = { ada: ['ci-admins'], grace: ['ci'], eve: [] };
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Who signed in under which code, with what the browser brought.
const codes = new Map();

function token(issuer, { user, nonce }) {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: CLIENT.id, sub: `id-${user}`, exp: now + 60, iat: now, nonce, preferred_username: user, groups: GROUPS[user] };
  const message = `${encoded({ alg: 'RS256', kid: 'one' })}.${encoded(claims)}`;
  return `${message}.${createSign('RSA-SHA256').update(message).sign(privateKey).toString('base64url')}`;
}

// A code counts once, for whoever proves that they are the client and that their browser began.
function exchange(issuer, proof, form) {
  const code = codes.get(form.get('code'));
  codes.delete(form.get('code'));
  const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
  const isClient = proof === `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
  if (!code || !isClient || challenge !== code.challenge || form.get('redirect_uri') !== code.back) return [400, { error: 'invalid_grant' }];
  return [200, { access_token: 'unused', token_type: 'Bearer', expires_in: 60, id_token: token(issuer, code) }];
}

async function answer(request, response) {
  const issuer = `http://${request.headers.host}`;
  const url = new URL(request.url, issuer);
  const json = (status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  switch (url.pathname) {
    case '/.well-known/openid-configuration':
      return json(200, { issuer, jwks_uri: `${issuer}/keys`, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` });
    case '/keys':
      return json(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }] });
    case '/authorize': {
      // The page on which people would type their passwords.
      const links = [...Object.keys(GROUPS), ''].map((user) => `<p><a href="/approve?user=${user}&amp;${url.searchParams.toString().replaceAll('&', '&amp;')}">I am ${user || 'nobody'}</a></p>`);
      return response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Provider</title>${links.join('')}`);
    }
    case '/approve': {
      const asked = url.searchParams;
      const back = new URL(asked.get('redirect_uri'));
      const user = asked.get('user');
      const code = randomBytes(16).toString('hex');
      if (user) {
        codes.set(code, { user, nonce: asked.get('nonce'), challenge: asked.get('code_challenge'), back: back.href });
        back.searchParams.set('code', code);
      } else {
        back.searchParams.set('error', 'access_denied');
      }
      back.searchParams.set('state', asked.get('state'));
      return response.writeHead(302, { location: back.href }).end();
    }
    case '/token': {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      return json(...exchange(issuer, request.headers.authorization, new URLSearchParams(Buffer.concat(chunks).toString())));
    }
    default:
      return response.writeHead(404).end();
  }
}

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
// The provider has to know the server's address before that starts.
const port = await freePort();

const provider = createServer((request, response) => answer(request, response));
const issuer = `http://127.0.0.1:${await listening(provider)}`;
const folder = mkdtempSync(join(tmpdir(), 'resultsdb-people-'));
writeFileSync(join(folder, 'secret'), `${CLIENT.secret}\n`);
writeFileSync(join(folder, 'config.toml'), `
address = "http://127.0.0.1:${port}"
[outbound]
allow = ["127.0.0.1"]
[access.people.provider]
issuer = "${issuer}"
client_id = "${CLIENT.id}"
client_secret_file = "${join(folder, 'secret')}"
[[access.people.roles]]
role = "admin"
claims = { groups = "ci-admins" }
[[access.people.roles]]
role = "triager"
claims = { groups = "ci" }
`);
const browser = await startBrowser();
const server = await startServer('--listen', `127.0.0.1:${port}`, '--config', join(folder, 'config.toml'));
after(async () => {
  await browser.close();
  await server.stop();
  await new Promise((done) => provider.close(done));
  rmSync(folder, { recursive: true, force: true });
});
const open = opener(server, browser);

// A browser that is led to sign in, and says at the provider who it is.
async function signedIn(user, path, check) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(server.url + path);
    await page.getByRole('link', { name: `Sign in at 127.0.0.1` }).click();
    await page.getByRole('link', { name: `I am ${user}` }).click();
    await check(page, context);
  } finally {
    await context.close();
  }
}

test('somebody signs in at the provider, comes back to where they were, and has their role', async () => {
  await signedIn('ada', '/flaky?weeks=2&suite=a.b', async (page, context) => {
    await page.waitForURL(`${server.url}/flaky?weeks=2&suite=a.b`);
    await page.goto(`${server.url}/admin/keys`);
    await page.getByLabel('What for').fill('bots');
    await page.getByLabel('Scopes').fill('read');
    await page.keyboard.press('Enter');
    await page.locator('code', { hasText: /^rdb_/ }).waitFor();
    await page.goto(`${server.url}/admin/audit`);
    await page.getByText('ada (signed in)').first().waitFor();
    const cookies = await context.cookies(server.url);
    assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [['resultsdb_session', true, 'Lax']]);
    await page.goto(`${server.url}/sign-in`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto(`${server.url}/flaky`);
    assert.match(page.url(), /\/sign-in\?to=/);
  });
  await signedIn('grace', '/flaky', async (page) => {
    await page.waitForURL(`${server.url}/flaky`);
    assert.equal((await page.goto(`${server.url}/admin/keys`)).status(), 403);
  });
});

test('who has no role, does not agree, or comes from another browser is told so', async () => {
  await signedIn('eve', '/flaky', async (page) => {
    assert.match(await page.getByRole('alert').textContent(), /eve has no role/);
    await page.goto(`${server.url}/flaky`);
    assert.match(page.url(), /\/sign-in/);
  });
  await signedIn('nobody', '/flaky', async (page) => {
    assert.match(await page.getByRole('alert').textContent(), /says access_denied/);
  });
  // A link with a code and a state that somebody else's browser got: this one did not begin.
  const state = randomBytes(16).toString('base64url');
  await open(`/sign-in`, { allowed: /401/ }, async (page) => {
    const response = await page.goto(`${server.url}/sign-in/back?code=1&state=${state}`);
    assert.equal(response.status(), 401);
    assert.match(await page.getByRole('alert').textContent(), /begun in another browser/);
    await page.goto(`${server.url}/sign-in/back?error=%3Cimg%20src%3Dx%3E`);
    assert.match(await page.getByRole('alert').textContent(), /none of the known ones/);
  });
});

test('the page is accessible with a provider', async () => {
  await accessible(open, ['/sign-in?to=/flaky']);
});
