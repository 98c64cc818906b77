// Keeps a page that shows the present up to date. Whenever the views move, the page's own address is asked again (an
// ETag makes "nothing new" cheap); parts marked `data-live` are then changed in place. A page without such parts only
// says that there is something new. A page that nobody looks at does not listen: browsers allow a host few connections.

import { morph } from './morph.js';
import { localise } from './site.js';

const PAUSED = 'live-paused';
const AGAIN_MS = 30_000;
const address = () => location.href.split('#')[0];
const parts = (root) => [...root.querySelectorAll('[data-live]')];

const text = async (cache) => {
  const response = await fetch(address(), { cache });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.text();
};
// The very text that this page was made from, without asking the server.
const original = text('force-cache').catch(() => null);
let shown;

const make = (name, members) => Object.assign(document.createElement(name), members);
const bar = make('div', { className: 'live' });
const state = make('span', { className: 'live-state' });
state.setAttribute('role', 'status');
const updated = make('span', { className: 'live-time' });
const button = make('button', { type: 'button' });
bar.append(state, updated, button);
document.querySelector('header').append(bar);

function say(words) {
  if (state.textContent !== words) state.textContent = words;
}

function stamp() {
  const time = make('relative-time', { textContent: 'now' });
  time.setAttribute('datetime', new Date().toISOString());
  updated.replaceChildren('updated ', time);
}

function offer() {
  if (bar.querySelector('.live-show')) return;
  const show = make('button', { type: 'button', className: 'live-show', textContent: 'New results: show' });
  show.addEventListener('click', () => location.reload());
  bar.prepend(show);
  say('There are new results.');
}

function swap(html) {
  const fresh = new DOMParser().parseFromString(html, 'text/html');
  localise(fresh);
  const [old, next] = [parts(document), parts(fresh)];
  if (old.length !== next.length) return offer();
  const focused = document.activeElement;
  const around = [];
  for (let node = focused?.parentElement; node; node = node.parentElement) if (node.tabIndex >= 0) around.push(node);
  old.forEach((part, index) => morph(part, next[index]));
  if (focused && document.activeElement !== focused) {
    const target = focused.isConnected ? focused : around.find((node) => node.isConnected);
    target?.focus({ preventScroll: true });
  }
  say('New results are shown.');
}

let isBusy = false;
let isBehind = false;

async function refresh() {
  isBehind = true;
  if (isBusy) return;
  isBusy = true;
  try {
    while (isBehind) {
      isBehind = false;
      shown ??= await original;
      const html = await text('no-cache');
      if (!stream) return;
      if (html === shown) say(bar.querySelector('.live-show') ? 'There are new results.' : 'Live.');
      else if (parts(document).length) swap(html);
      else offer();
      if (parts(document).length) shown = html;
      stamp();
    }
  } catch {
    say('The page could not be updated; it is tried again when something changes.');
  } finally {
    isBusy = false;
  }
}

let stream = null;
let later;

function listen() {
  clearTimeout(later);
  if (stream || document.hidden || sessionStorage.getItem(PAUSED)) return;
  stream = new EventSource('/api/live');
  stream.addEventListener('message', refresh);
  stream.addEventListener('error', () => {
    if (stream?.readyState !== EventSource.CLOSED) return say('Connecting again.');
    say('Not live: the server takes no more readers now.');
    leave();
    later = setTimeout(listen, AGAIN_MS);
  });
}

function leave() {
  clearTimeout(later);
  stream?.close();
  stream = null;
}

function show() {
  const isPaused = sessionStorage.getItem(PAUSED);
  button.textContent = isPaused ? 'Resume updates' : 'Pause updates';
  if (isPaused) say('Paused.');
}

button.addEventListener('click', () => {
  if (sessionStorage.getItem(PAUSED)) {
    sessionStorage.removeItem(PAUSED);
    say('Live.');
    listen();
  } else {
    sessionStorage.setItem(PAUSED, 'true');
    leave();
  }
  show();
});
document.addEventListener('visibilitychange', () => (document.hidden ? leave() : listen()));
addEventListener('pagehide', leave);
addEventListener('pageshow', listen);

// What the page's form asked for took the place of the page's content.
document.addEventListener('htmx:afterSwap', ({ detail }) => { if (detail.xhr) shown = detail.xhr.responseText; });
document.addEventListener('htmx:historyRestore', ({ detail }) => { shown = detail.serverResponse; });

show();
listen();
