// Suggestions while a test's name is typed (the combobox pattern of the ARIA practices). Without this script the form
// works as it is: it shows the tests that start with what was typed.

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

function show(names) {
  combobox.stop();
  // Names come from outside: text, never markup.
  list.replaceChildren(...names.map((name, index) => {
    const option = document.createElement('li');
    option.id = `suggestion-${index}`;
    option.setAttribute('role', 'option');
    option.textContent = name;
    return option;
  }));
  list.hidden = names.length === 0;
  if (!list.hidden) combobox.start();
}

async function suggest() {
  request?.abort();
  request = new AbortController();
  const suite = encodeURIComponent(form.elements.suite.value);
  const query = new URLSearchParams({ test: input.value, limit: LIMIT });
  try {
    const answer = await fetch(`/api/${suite}/tests?${query}`, { signal: request.signal });
    if (answer.ok) show(await answer.json());
  } catch (error) {
    if (error.name !== 'AbortError') close();
  }
}

input.addEventListener('input', () => {
  clearTimeout(pause);
  if (!input.value) return close();
  pause = setTimeout(suggest, PAUSE_MS);
});
input.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') close();
});
input.addEventListener('blur', close);
// Clicking an option must not take the focus from the input.
list.addEventListener('mousedown', (event) => event.preventDefault());
list.addEventListener('combobox-commit', (event) => {
  input.value = event.target.textContent;
  close();
  form.requestSubmit();
});
