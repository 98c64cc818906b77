// The visible part of a timeline: a table that stays where it is while its frame scrolls, and whose cells are filled
// anew with what the place shows.

import { localTime } from '../site.js';
import { inWords, isFailing, shown, worse } from './states.js';

const LABELS = 300;
const DAY = 86400;
const make = (name, properties = {}) => Object.assign(document.createElement(name), properties);
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric' });
const month = new Intl.DateTimeFormat(undefined, { month: 'short', year: 'numeric' });

export class View {
  // `heads` has the row headers that the server made, by query.
  constructor(frame, model, settings, heads, label) {
    Object.assign(this, { frame, model, settings, heads, first: 0, collapsed: new Set(), onmove: () => {} });
    this.table = make('table', { className: 'timeline windowed' });
    this.table.setAttribute('role', 'grid');
    this.table.setAttribute('aria-label', label);
    this.sizer = make('div', { className: 'sizer' });
    this.sizer.append(this.table);
    frame.classList.add('windowed');
    frame.replaceChildren(this.sizer);
    frame.addEventListener('scroll', () => this.request(), { passive: true });
    new ResizeObserver(() => frame.clientWidth !== this.width && this.layout()).observe(frame);
  }

  // Rows as they are shown: configurations, or platforms with their configurations below.
  get lines() {
    const single = this.model.rows.map((row) => ({ name: row.name, rows: [row] }));
    if (!this.settings.group) return single;
    const groups = Map.groupBy(single, (line) => line.rows[0].configuration.platform ?? 'unknown');
    return [...groups].flatMap(([name, lines]) => {
      const head = { name, rows: lines.flatMap((line) => line.rows), group: name };
      return this.collapsed.has(name) ? [head] : [head, ...lines];
    });
  }

  // Makes as many cells as there is room for.
  layout() {
    const { pitch, density } = this.settings;
    const width = this.frame.clientWidth;
    this.width = width;
    const labels = Math.min(LABELS, Math.floor(width * 0.3));
    const room = Math.max(1, Math.floor((width - labels) / pitch));
    this.shown = Math.min(room, this.model.columns);
    this.sizer.style.width = `${width + (this.model.columns - this.shown) * pitch}px`;
    this.table.style.width = `${labels + this.shown * pitch}px`;
    this.table.className = `timeline windowed ${density}`;
    this.table.setAttribute('aria-colcount', this.model.columns + 1);
    this.drawn = this.lines;
    this.table.setAttribute('aria-rowcount', this.drawn.length + 2);
    const columns = make('colgroup');
    const column = (width) => columns.appendChild(make('col')).style.width = `${width}px`;
    column(labels);
    for (let i = 0; i < this.shown; i++) column(pitch);
    const head = make('thead');
    this.days = make('tr', { className: 'days' });
    this.commits = make('tr', { className: 'commits' });
    this.commits.append(make('th', { scope: 'col', textContent: 'Configuration' }), ...this.cells('th', (th) => {
      Object.assign(th, { scope: 'col', className: 'commit' });
      th.append(make('a', { tabIndex: -1 }));
    }));
    head.append(this.days, this.commits);
    this.body = make('tbody');
    this.body.append(...this.drawn.map((line, row) => {
      const tr = make('tr');
      tr.setAttribute('aria-rowindex', row + 3);
      tr.append(this.label(line), ...this.cells('td', (td) => {
        td.tabIndex = -1;
        td.setAttribute('role', 'gridcell');
      }));
      return tr;
    }));
    // Filled before it is put into the page, which then is laid out once.
    this.show(this.within(this.first));
    this.table.replaceChildren(columns, head, this.body);
    this.scrollTo(this.first);
  }

  cells(name, dress) {
    return Array.from({ length: this.shown }, () => {
      const cell = make(name);
      dress(cell);
      return cell;
    });
  }

  label(line) {
    const label = make('th', { scope: 'row' });
    if (line.group) {
      const isOpen = !this.collapsed.has(line.group);
      const button = make('button', { type: 'button', className: 'fold', textContent: `${isOpen ? '−' : '+'} ${line.name}` });
      button.setAttribute('aria-expanded', isOpen);
      button.addEventListener('click', () => this.fold(line.group));
      label.append(button);
      return label;
    }
    const [row] = line.rows;
    const known = this.heads.get(row.query);
    label.append(...(known ? known.cloneNode(true).childNodes : [make('span', { className: 'configuration', textContent: row.name })]));
    if (row.unexpected) {
      const share = (100 * row.unexpected / row.runs).toFixed(1);
      label.append(make('small', { className: 'rate', textContent: `${share} % of ${row.runs}`, title: `${row.unexpected} of ${row.runs} runs failed unexpectedly` }));
    }
    return label;
  }

  fold(group) {
    if (!this.collapsed.delete(group)) this.collapsed.add(group);
    this.layout();
    this.body.querySelectorAll('.fold').forEach((button) => button.textContent.endsWith(` ${group}`) && button.focus());
  }

  // The character that a line shows in a column: what ran worst in its configurations.
  character(line, index) {
    const kind = this.settings.hidesExpected ? 'unexpected' : 'actual';
    let worst = '.';
    for (const { query } of line.rows) {
      const found = this.model.at(query, index);
      if (!found) return undefined;
      worst = worse(worst, found.row?.[kind][found.place] ?? '.');
    }
    return worst;
  }

  // What is written under a cell's symbol.
  number(line, index) {
    const number = (name) => line.rows.reduce((most, { query }) => {
      const found = this.model.at(query, index);
      return Math.max(most, found?.row?.[name]?.[found.place] ?? 0);
    }, 0);
    if (this.settings.density !== 'standard') return '';
    if (this.model.isSuite) return number(this.settings.hidesExpected ? 'failed_unexpectedly' : 'failed') || '';
    const time = this.settings.times ? number('times') : 0;
    return time ? (time < 1000 ? `${time}m` : `${(time / 1000).toFixed(time < 10000 ? 1 : 0)}s`) : '';
  }

  // Draws once in the next frame, however often it is asked for until then.
  request(anew = false) {
    this.isStale ||= anew;
    this.frameRequest ??= requestAnimationFrame(() => {
      this.frameRequest = null;
      this.draw(this.isStale);
    });
  }

  draw(anew = false) {
    const first = this.within(Math.round(this.frame.scrollLeft / this.settings.pitch));
    if (anew || first !== this.first) this.show(first);
  }

  // Fills the cells with what there is from a column on.
  show(first) {
    this.isStale = false;
    this.first = first;
    this.incomplete = false;
    this.drawHeads();
    this.drawn.forEach((line, row) => {
      const { cells } = this.body.rows[row];
      for (let i = 0; i < this.shown; i++) this.fill(cells[i + 1], line, this.first + i);
    });
    if (this.incomplete) {
      this.model.ensure(this.first, this.first + this.shown - 1).then(() => this.request(true), () => {});
    }
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.rest(), 100);
    this.onmove();
  }

  fill(cell, line, index) {
    const character = this.character(line, index);
    const number = this.number(line, index);
    if (character === undefined) this.incomplete = true;
    if (cell.character !== character) {
      const [kind, symbol] = shown(character);
      cell.className = kind;
      cell.textContent = symbol;
      cell.character = character;
    }
    if (cell.number !== number) {
      cell.number = number;
      if (number) cell.dataset.number = number; else delete cell.dataset.number;
    }
  }

  drawHeads() {
    const groups = [];
    const seconds = (index) => Math.floor((this.model.column(index)?.uuid ?? 0) / 100);
    const oldest = seconds(this.first + this.shown - 1);
    const days = Math.max(1, (seconds(this.first) - oldest) / DAY);
    const width = this.shown * this.settings.pitch / days;
    const format = width > 55 ? day : width > 20 ? date : month;
    for (let i = 0; i < this.shown; i++) {
      const column = this.model.column(this.first + i);
      const text = column ? format.format(seconds(this.first + i) * 1000) : '…';
      const title = column ? day.format(seconds(this.first + i) * 1000) : '';
      if (groups.at(-1)?.text === text) groups.at(-1).span++; else groups.push({ text, title, span: 1 });
      const link = this.commits.cells[i + 1].firstChild;
      link.textContent = column?.name ?? '';
      link.href = `/commit?uuid=${column?.uuid ?? ''}`;
    }
    this.days.replaceChildren(make('td'), ...groups.map(({ text, title, span }) =>
      make('th', { scope: 'colgroup', colSpan: span, textContent: text, title })));
  }

  // What scrolling can do without: names for readers, and which cell the Tab key comes to.
  rest() {
    this.settings.set({ at: this.first === 0 ? null : this.model.column(this.first)?.uuid ?? this.settings.at });
    const active = document.activeElement;
    let stop = this.body.contains(active) && active.matches('td') ? active : null;
    this.drawn.forEach((line, row) => {
      const { cells } = this.body.rows[row];
      for (let i = 0; i < this.shown; i++) {
        cells[i + 1].setAttribute('aria-colindex', this.first + i + 2);
        cells[i + 1].setAttribute('aria-label', this.words(line, this.first + i));
        cells[i + 1].tabIndex = -1;
        if (!stop && isFailing(cells[i + 1].character)) stop = cells[i + 1];
      }
    });
    stop ??= this.body.querySelector('td');
    if (stop) stop.tabIndex = 0;
  }

  // A cell in words.
  words(line, index) {
    const column = this.model.column(index);
    if (!column) return 'not loaded yet';
    const found = line.rows.map(({ query }) => this.model.at(query, index)).filter((found) => found?.row);
    const of = (kind) => found.map(({ row, place }) => row[kind][place]).reduce(worse, '.');
    const [actual, unexpected] = [of('actual'), of('unexpected')];
    const how = actual === '.' || actual === '8' ? '' : isFailing(unexpected) ? ', unexpected' : ', expected';
    // All lines of a column have the same.
    column.moment ??= localTime(Math.floor(column.uuid / 100) * 1000);
    return `${inWords(actual)}${how}, ${column.name}, ${line.name}, ${column.moment}`;
  }

  // Line and column of a cell.
  place(cell) {
    const row = cell.closest('tr')?.sectionRowIndex ?? 0;
    return { row, line: this.drawn[row], index: this.first + cell.cellIndex - 1 };
  }

  // The nearest column that can be the first one shown.
  within(first) {
    return Math.max(0, Math.min(first, this.model.columns - this.shown));
  }

  scrollTo(first) {
    this.frame.scrollLeft = this.within(first) * this.settings.pitch;
  }

  // Brings a cell into view and gives it the focus.
  focus(row, index) {
    if (index < this.first) this.scrollTo(index);
    else if (index >= this.first + this.shown) this.scrollTo(index - this.shown + 1);
    this.draw();
    const cell = this.body.rows[row].cells[index - this.first + 1];
    this.body.querySelectorAll('td[tabindex="0"]').forEach((other) => (other.tabIndex = -1));
    cell.tabIndex = 0;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }
}
