// Suggestions while a test's name is typed (the combobox pattern of the ARIA practices). Without this script the form
// works as it is: it shows the test of that name, or those that what was typed finds.

import Combobox from '/library/combobox-nav.js';

const LIMIT = 20;
const PAUSE_MS = 120;

const form = document.querySelector('[data-search]');
const input = form.elements.test;
const list = document.createElement('ul');
list.id = 'suggestions';
list.className = 'suggestions';
list.setAttribute('role', 'listbox');
list.setAttribute('aria-label', 'Tests');
list.hidden = true;
input.closest('label').append(list);

const combobox = new Combobox(input, list);
let request = null;
let pause = null;

function close() {
  combobox.stop();
  list.hidden = true;
}

function show(tests) {
  combobox.stop();
  // Names come from outside: text, never markup.
  list.replaceChildren(...tests.map(({ suite, test }, index) => {
    const option = document.createElement('li');
    option.id = `suggestion-${index}`;
    option.setAttribute('role', 'option');
    option.dataset.suite = suite;
    option.dataset.test = test;
    const place = document.createElement('small');
    place.textContent = suite;
    option.append(test, ' ', place);
    return option;
  }));
  list.hidden = tests.length === 0;
  if (!list.hidden) combobox.start();
}

async function suggest() {
  request?.abort();
  request = new AbortController();
  const query = new URLSearchParams({ q: input.value, suite: form.elements.suite.value, limit: LIMIT });
  try {
    const answer = await fetch(`/api/search?${query}`, { signal: request.signal });
    if (answer.ok) show((await answer.json()).tests);
  } catch (error) {
    if (error.name !== 'AbortError') close();
  }
}

function later() {
  clearTimeout(pause);
  if (!input.value.trim()) return close();
  pause = setTimeout(suggest, PAUSE_MS);
}

input.addEventListener('input', later);
// A field of one line drops line breaks, which separate the names of a pasted list.
input.addEventListener('paste', (event) => {
  const text = event.clipboardData.getData('text').trim();
  if (!text.includes('\n')) return;
  event.preventDefault();
  input.setRangeText(text.replace(/\s+/g, ' '), input.selectionStart, input.selectionEnd, 'end');
  later();
});
input.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') close();
});
input.addEventListener('blur', close);
// Clicking an option must not take the focus from the input.
list.addEventListener('mousedown', (event) => event.preventDefault());
list.addEventListener('combobox-commit', (event) => {
  const { suite, test } = event.target.closest('[role=option]').dataset;
  close();
  // What else the form has is what the page is filtered by.
  const query = new URLSearchParams(new FormData(form));
  query.set('suite', suite);
  query.set('test', test);
  location.assign(`/?${query}`);
});
