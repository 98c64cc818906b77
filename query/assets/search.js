// Suggestions while a test's name is typed (the combobox pattern of the ARIA practices). Without this script the form
// works as it is: it shows the tests that start with what was typed.

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
input.setAttribute('role', 'combobox');
input.setAttribute('aria-autocomplete', 'list');
input.setAttribute('aria-controls', list.id);
input.setAttribute('aria-expanded', 'false');

let request = null;
let pause = null;
let active = -1;

function close() {
  list.hidden = true;
  active = -1;
  input.setAttribute('aria-expanded', 'false');
  input.removeAttribute('aria-activedescendant');
}

function activate(index) {
  const options = [...list.children];
  active = options.length ? (index + options.length) % options.length : -1;
  options.forEach((option, position) => option.setAttribute('aria-selected', String(position === active)));
  if (active < 0) return;
  options[active].scrollIntoView({ block: 'nearest' });
  input.setAttribute('aria-activedescendant', options[active].id);
}

function choose(name) {
  input.value = name;
  close();
  form.requestSubmit();
}

function show(names) {
  // Names come from outside: text, never markup.
  list.replaceChildren(...names.map((name, index) => {
    const option = document.createElement('li');
    option.id = `suggestion-${index}`;
    option.setAttribute('role', 'option');
    option.setAttribute('aria-selected', 'false');
    option.textContent = name;
    return option;
  }));
  list.hidden = names.length === 0;
  active = -1;
  input.setAttribute('aria-expanded', String(names.length > 0));
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
  if (list.hidden) return;
  if (event.key === 'ArrowDown') activate(active + 1);
  else if (event.key === 'ArrowUp') activate(active - 1);
  else if (event.key === 'Escape') close();
  else if (event.key === 'Enter' && active >= 0) choose(list.children[active].textContent);
  else return;
  event.preventDefault();
});
input.addEventListener('blur', close);
list.addEventListener('mousedown', (event) => {
  event.preventDefault();
  const option = event.target.closest('[role=option]');
  if (option) choose(option.textContent);
});
