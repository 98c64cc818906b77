// A timeline's data: how long it is, and the windows of it that were fetched. Columns are counted from the newest, 0.

const get = async (address) => {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
};

export class Model {
  // `query` selects configurations, branch and range as on the page.
  constructor(suite, test, query) {
    this.path = [suite, ...(test ? [test] : [])].map(encodeURIComponent).join('/');
    this.query = query;
    this.windows = [];
    this.rows = [];
    this.columns = 0;
  }

  // Fetches how long it is and what its rows are.
  async open() {
    const { columns, windows, strip, rows } = await get(`/api/timeline-overview/${this.path}?${this.query}`);
    let first = 0;
    this.windows = windows.map((window) => {
      const placed = { ...window, first, loaded: null, request: null };
      first += window.columns;
      return placed;
    });
    Object.assign(this, { columns, strip, rows });
  }

  // The position of the window that has a column.
  windowAt(index) {
    let low = 0;
    let high = this.windows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.windows[middle].first <= index) low = middle; else high = middle - 1;
    }
    return low;
  }

  // Fetches one window, once.
  load(position) {
    const window = this.windows[position];
    window.request ??= this.fetch(window).catch((error) => {
      window.request = null;
      throw error;
    });
    return window.request;
  }

  async fetch(window) {
    const query = new URLSearchParams(this.query);
    for (const name of ['after_uuid', 'before_uuid', 'limit']) query.delete(name);
    query.set('after_uuid', window.oldest);
    query.set('before_uuid', window.newest);
    query.set('limit', window.columns);
    const { columns, rows } = await get(`/api/timeline/${this.path}?${query}`);
    window.loaded = { columns, rows: new Map(rows.map((row) => [row.query, row])) };
  }

  // Fetches what these columns need; whether anything was missing.
  async ensure(first, last) {
    const missing = [];
    for (let position = this.windowAt(first); position <= this.windowAt(last); position++) {
      if (this.windows[position] && !this.windows[position].loaded) missing.push(this.load(position));
    }
    await Promise.all(missing);
    return missing.length > 0;
  }

  // Fetches everything, always the missing window next to the column that is shown now, while nothing else is to be done.
  async prefetch(shown) {
    for (let position = this.missing(shown()); position !== null; position = this.missing(shown())) {
      // Who scrolls leaves no time idle, and needs the next window most.
      await new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 50 }));
      await this.load(position);
    }
  }

  // The position of the next window that is not asked for, or null.
  missing(index) {
    const near = this.windowAt(index);
    for (let distance = 0; distance < this.windows.length; distance++) {
      for (const position of [near + distance, near - distance]) {
        if (this.windows[position] && !this.windows[position].request) return position;
      }
    }
    return null;
  }

  // { uuid, name } of a column, or undefined while it is not fetched.
  column(index) {
    const window = this.windows[this.windowAt(index)];
    return window?.loaded?.columns[index - window.first];
  }

  // The row of a configuration and the place in it where a column is.
  at(query, index) {
    const window = this.windows[this.windowAt(index)];
    if (!window?.loaded) return undefined;
    return { row: window.loaded.rows.get(query), place: index - window.first };
  }

  // The column of a commit, or the next older one.
  indexOf(uuid) {
    const window = this.windows.find((window) => window.oldest <= uuid) ?? this.windows.at(-1);
    if (!window) return 0;
    if (!window.loaded) return window.first;
    const place = window.loaded.columns.findIndex((column) => column.uuid <= uuid);
    return window.first + Math.max(place, 0);
  }
}
