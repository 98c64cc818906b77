// How a timeline is shown. All of it is in the address, so that who is sent the address sees the same.

const DENSITIES = { standard: 28, compact: 16, dense: 7 };

export class Settings {
  // `page` is "/" or "/suites": suites hide expected failures unless asked, tests show them unless asked.
  constructor(page) {
    const query = new URLSearchParams(location.search);
    this.usual = page === '/suites' ? 'hide' : 'show';
    this.expected = query.get('expected') ?? this.usual;
    this.density = query.get('density') in DENSITIES ? query.get('density') : 'standard';
    this.times = query.get('times') === 'true';
    this.group = query.get('group') === 'platform';
    this.at = Number(query.get('at')) || null;
  }

  get pitch() {
    return DENSITIES[this.density];
  }

  get hidesExpected() {
    return this.expected === 'hide';
  }

  static get densities() {
    return Object.keys(DENSITIES);
  }

  // Sets members, here and in the address.
  set(members) {
    Object.assign(this, members);
    const query = new URLSearchParams(location.search);
    const put = (name, value, usual) => (value === usual || value === null ? query.delete(name) : query.set(name, value));
    put('expected', this.expected, this.usual);
    put('density', this.density, 'standard');
    put('times', this.times, false);
    put('group', this.group ? 'platform' : null, null);
    put('at', this.at, null);
    history.replaceState(history.state, '', `${location.pathname}?${query}`);
  }
}
