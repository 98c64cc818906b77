// Takes over the timelines that the server drew: model (what is known), view (what is seen), keys, strip, drawer.

import { Drawer } from './drawer.js';
import { connect } from './keys.js';
import { Model } from './model.js';
import { Settings } from './settings.js';
import { Strip } from './strip.js';
import { View } from './view.js';

const SHOWN_ONLY = ['suite', 'test', 'expected', 'density', 'times', 'group', 'at', 'limit'];
const settings = new Settings(location.pathname === '/suites' ? '/suites' : '/');
const timelines = [];

function control(text, input) {
  const label = document.createElement('label');
  label.className = 'control';
  label.append(input, ` ${text}`);
  return label;
}

function checkbox(text, isChecked, change) {
  const input = Object.assign(document.createElement('input'), { type: 'checkbox', checked: isChecked });
  input.addEventListener('change', () => change(input.checked));
  return control(text, input);
}

function choice(text, values, chosen, change) {
  const select = document.createElement('select');
  select.append(...values.map((value) => new Option(value, value, false, value === chosen)));
  select.addEventListener('change', () => change(select.value));
  return control(text, select);
}

// Changes how all timelines of the page are shown.
function change(members, isLayout = true) {
  settings.set(members);
  for (const { view } of timelines) {
    const { first } = view;
    if (isLayout) view.layout();
    view.scrollTo(first);
    view.draw(true);
  }
  for (const link of document.querySelectorAll('.toggle')) {
    link.textContent = settings.hidesExpected ? 'Show expected failures' : 'Hide expected failures';
  }
}

function controls(model) {
  const bar = document.createElement('div');
  bar.className = 'controls';
  bar.append(choice('columns', Settings.densities, settings.density, (density) => change({ density })));
  if (!model.isSuite) bar.append(checkbox('times', settings.times, (times) => change({ times }, false)));
  const platforms = new Set(model.rows.map((row) => row.configuration.platform));
  if (platforms.size > 1) bar.append(checkbox('group by platform', settings.group, (group) => change({ group })));
  return bar;
}

async function takeOver(card) {
  const { suite, test } = card.dataset;
  const query = new URLSearchParams(location.search);
  for (const name of SHOWN_ONLY) query.delete(name);
  const model = new Model(suite, test, query.toString());
  model.isSuite = !test;
  await model.open();
  const start = settings.at ? model.indexOf(settings.at) : 0;
  if (model.columns === 0) return;
  // The server's table stays until there is something to put in its place.
  await model.ensure(start, start);
  const frame = card.querySelector('.scroll');
  const heads = new Map([...frame.querySelectorAll('tr[data-query]')].map((row) => [row.dataset.query, row.cells[0]]));
  const view = new View(frame, model, settings, heads, frame.getAttribute('aria-label'));
  view.first = settings.at ? model.indexOf(settings.at) : 0;
  const strip = new Strip(view);
  const about = Object.assign(document.createElement('p'), { className: 'about' });
  about.textContent = `${model.columns} commits. Arrow keys move from run to run, Enter opens one, Shift selects.`;
  const drawer = new Drawer(model, suite, test);
  const { mark } = connect(view, {
    open: (place, selection, from) => drawer.open(place, selection, from),
    tell: (text) => { about.textContent = text; },
  });
  view.onmove = () => {
    mark();
    strip.draw();
  };
  frame.before(controls(model), strip.canvas);
  frame.after(about);
  view.layout();
  timelines.push({ model, view });
  card.dataset.ready = '';
  model.prefetch(() => view.first).catch(() => {});
}

for (const link of document.querySelectorAll('.toggle')) {
  link.addEventListener('click', (event) => {
    if (!timelines.length || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    change({ expected: settings.hidesExpected ? 'show' : 'hide' }, false);
  });
}
// Those that nobody has come near stay as the server drew them.
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    takeOver(target).catch((error) => console.warn(`The timeline stays as the server drew it: ${error.message}`));
  }
}, { rootMargin: '50%' });
for (const card of document.querySelectorAll('[data-timeline]')) near.observe(card);
