// What an upload says of a test beside its result, and of its run. Everything in it is uploaded: text only, and members may
// be of any kind.

const make = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
const isText = (value) => typeof value === 'string' && value !== '';
const texts = (value) => (Array.isArray(value) ? value.filter(isText) : []);
const ATTEMPTS = 50;
const LINES = 3;

// The first lines of a message; the whole of it on request.
const message = (log) => {
  const lines = log.split('\n');
  if (lines.length <= LINES) return make('span', { className: 'message', textContent: log });
  const more = make('details', {}, make('summary', { textContent: lines[0] }));
  more.append(make('pre', { textContent: log }));
  return more;
};

const attempt = (one, index) => {
  const words = [`${index + 1}. ${isText(one?.state) ? one.state : 'unknown'}`];
  if (Number.isFinite(one?.time)) words.push(`${one.time} ms`);
  if (isText(one?.started)) words.push(one.started);
  const item = make('li', {}, words.join(', '));
  if (isText(one?.log)) item.append(' ', message(one.log));
  return item;
};

// Adds attempts, place and owners of a test.
export const describe = (result, tell) => {
  if (Array.isArray(result.attempts) && result.attempts.length) {
    const list = make('ol', { className: 'attempts' }, ...result.attempts.slice(0, ATTEMPTS).map(attempt));
    const more = result.attempts.length - ATTEMPTS;
    if (more > 0) list.append(make('li', { textContent: `and ${more} more` }));
    tell('Attempts', list);
  }
  if (isText(result.file)) tell('Source', Number.isInteger(result.line) ? `${result.file}:${result.line}` : result.file);
  if (texts(result.owners).length) tell('Owners', texts(result.owners).join(', '));
  const properties = Array.isArray(result.properties) ? result.properties.filter(Array.isArray) : [];
  for (const [name, value] of properties) if (isText(name)) tell(name, String(value ?? ''));
};

// What is known of the runs that a query means: problems, exit code, what is missing.
export const aboutRuns = async (query) => {
  const answer = await fetch(`/api/run?${query}&recent=false`);
  const runs = answer.ok ? await answer.json() : [];
  const sections = [];
  for (const run of runs) {
    const list = make('dl', { className: 'run' });
    const tell = (name, ...values) => list.append(make('dt', { textContent: name }), make('dd', {}, ...values));
    if (run.missing) {
      const { shards, of, tests, tests_missing: count } = run.missing;
      if (shards.length) tell('Missing', `shards ${shards.join(', ')} of ${of}`);
      if (count) tell('Missing tests', `${tests.join(', ')}${count > tests.length ? ` and ${count - tests.length} more` : ''}`);
    }
    if (run.exit_code) tell('Exit code', `${run.exit_code}`);
    if (run.problems.length) tell('Problems', make('ul', {}, ...run.problems.map((text) => make('li', { textContent: text }))));
    if (run.change) tell('Change', [run.change, ...run.authors].join(', '));
    if (run.tool) tell('Runner', run.tool);
    if (list.childElementCount) sections.push(list);
  }
  return sections;
};
