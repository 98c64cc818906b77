// What is known of one run: its commits, how it went, and where to read on. Everything in it is uploaded: text only.

import { aboutRuns, describe } from './attempts.js';
import { inWords } from './states.js';

const get = async (address) => {
  const answer = await fetch(address);
  return answer.ok ? answer.json() : null;
};
const make = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const moment = (seconds) => {
  const time = make('time', { dateTime: new Date(seconds * 1000).toISOString(), textContent: new Date(seconds * 1000).toLocaleString() });
  return make('span', {}, time, ` (${time.dateTime.slice(0, 16).replace('T', ' ')} UTC)`);
};
const SHOWN = 8;
// Cells of tests that did not run, of which results of the reference say that they passed.
const NOT_RUN = 'snu';

export class Drawer {
  constructor(model, suite, test) {
    // Runs of another branch than the usual one are asked for by its name.
    const branch = new URLSearchParams(location.search).get('branch');
    this.branch = branch ? `&${new URLSearchParams({ branch })}` : '';
    Object.assign(this, { model, suite, test });
    this.dialog = make('dialog', { className: 'drawer' });
    this.dialog.addEventListener('click', (event) => event.target === this.dialog && this.dialog.close());
    document.body.append(this.dialog);
  }

  // Opens it on a cell; the focus returns to `from` once it is closed.
  async open({ line, index }, selection, from) {
    await this.model.ensure(index, index);
    const column = this.model.column(index);
    if (!column) return;
    const close = make('button', { type: 'button', className: 'close', textContent: 'Close' });
    close.addEventListener('click', () => this.dialog.close());
    const title = make('h2', { textContent: column.name, id: 'drawer-title' });
    this.dialog.setAttribute('aria-labelledby', title.id);
    this.dialog.replaceChildren(close, title, await this.commits(column.uuid));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.addEventListener('close', () => from.isConnected && from.focus(), { once: true });
    const cell = ({ query }) => {
      const found = this.model.at(query, index);
      return found?.row ? found.row.actual[found.place] : '.';
    };
    const cells = new Map(line.rows.map((row) => [row, cell(row)]));
    const rows = line.rows.filter((row) => cells.get(row) !== '.');
    if (!rows.length) this.dialog.append(make('p', { textContent: `${line.name} did not run on this commit.` }));
    for (const row of rows) this.dialog.append(await this.run(row, column, cells.get(row)));
    if (rows.length) this.dialog.append(await this.bugs(rows, column, selection));
  }

  async commits(uuid) {
    const commits = (await get(`/api/commits?uuid=${uuid}`)) ?? [];
    const item = ({ repository_id: repository, identifier, hash, revision, message, author }) => {
      const name = identifier ?? hash?.slice(0, 12) ?? `r${revision}`;
      const link = make('a', { href: `/commit?${new URLSearchParams({ uuid, repository_id: repository })}`, textContent: `${repository} ${name}` });
      return make('li', {}, link, ` ${(message ?? '').split('\n')[0]}${author?.name ? `, ${author.name}` : ''}`);
    };
    return make('ul', {}, ...commits.map(item));
  }

  async run(row, column, cell) {
    const path = [this.suite, ...(this.test ? [this.test] : [])].map(encodeURIComponent).join('/');
    const which = `uuid=${column.uuid}&${row.query}${this.branch}`;
    const found = (await get(`/api/results/${path}?${which}&recent=false`)) ?? [];
    const section = make('section', {}, make('h3', { textContent: row.name }));
    for (const result of found.flatMap(({ results }) => results)) {
      const list = make('dl');
      const tell = (name, ...values) => list.append(make('dt', { textContent: name }), make('dd', {}, ...values));
      tell('Started', moment(result.start_time));
      if (this.test) {
        tell('Result', NOT_RUN.includes(cell) ? inWords(cell) : `${result.actual}, expected ${result.expected}`);
        if (result.time !== undefined) tell('Took', `${result.time} ms`);
        if (typeof result.log === 'string') tell('Log', result.log);
        describe(result, tell);
      } else {
        const { tests_run: run, tests_skipped: skipped, tests_failed: failed, tests_unexpected_failed: unexpectedly } = result.stats;
        tell('Tests', `${run ?? 0} run, ${skipped ?? 0} skipped, ${failed} failed, ${unexpectedly} unexpectedly`);
      }
      section.append(list);
    }
    const suite = `suite=${encodeURIComponent(this.suite)}&${which}`;
    section.append(...(await aboutRuns(suite)));
    const links = make('p', { className: 'links' });
    const link = (target, text) => links.append(make('a', { href: target, textContent: text }), ' ');
    link(`/investigate?${suite}`, 'Failures of this run');
    const urls = await get(`/api/urls?${suite}&recent=false`);
    if (urls?.some(({ urls }) => urls?.some(({ build }) => build))) link(`/urls/build?${suite}`, 'CI');
    link(`/archive?${suite}`, 'Archive');
    section.append(links);
    if (!this.test) section.append(await this.failures(suite));
    return section;
  }

  async failures(suite) {
    const query = new URLSearchParams(suite);
    query.delete('suite');
    const names = (await get(`/api/failures/${encodeURIComponent(this.suite)}?${query}&recent=false`)) ?? [];
    const item = (test) => make('li', {}, make('a', { href: `/?${new URLSearchParams({ suite: this.suite, test })}${this.branch}`, textContent: test }));
    const list = make('ul', { className: 'failures' }, ...names.slice(0, SHOWN).map(item));
    if (names.length > SHOWN) list.append(make('li', { textContent: `and ${names.length - SHOWN} more` }));
    return list;
  }

  // A button for each tracker that takes bugs about the run, or about the runs that are selected.
  async bugs(rows, column, selection) {
    const trackers = (await get('/api/bug-trackers')) ?? [];
    const section = make('p', { className: 'bugs' });
    const uuids = selection ? this.range(selection) : [column.uuid];
    for (const tracker of trackers) {
      const button = make('button', { type: 'button', textContent: `File a bug in ${tracker} (${uuids.length} ${uuids.length === 1 ? 'run' : 'runs'})` });
      button.addEventListener('click', () => this.file(tracker, rows, uuids, section));
      section.append(button, ' ');
    }
    return section;
  }

  range({ from, to }) {
    const [low, high] = from < to ? [from, to] : [to, from];
    const columns = Array.from({ length: high - low + 1 }, (_, offset) => this.model.column(low + offset));
    return columns.filter(Boolean).map(({ uuid }) => uuid);
  }

  async file(tracker, rows, uuids, section) {
    const path = [this.suite, ...(this.test ? [this.test] : [])].map(encodeURIComponent).join('/');
    const selectedRows = await Promise.all(rows.map(async ({ configuration, query }) => {
      const which = `after_uuid=${Math.min(...uuids)}&before_uuid=${Math.max(...uuids)}&${query}${this.branch}&recent=false`;
      const found = (await get(`/api/results/${path}?${which}`)) ?? [];
      return { config: configuration, results: found.flatMap(({ results }) => results) };
    }));
    const answer = await fetch(`/api/bug-trackers/${encodeURIComponent(tracker)}/create-bug`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ selectedRows, willFilterExpected: false, repositories: [], suite: this.suite, test: this.test ?? null }),
    });
    const { url, description } = await answer.json();
    // A tracker's address is configured here, but is no place for a script.
    const isLink = answer.ok && /^https?:/.test(url);
    section.append(isLink ? make('a', { href: url, rel: 'noreferrer', target: '_blank', textContent: 'Open the report' })
      : make('span', { role: 'alert', textContent: `The bug was not filed: ${description ?? answer.status}` }));
  }
}
