// What the characters of a timeline's cells mean: positions of states, the worst first, and a dot where nothing ran.

const NAMES = ['crash', 'timeout', 'image', 'audio', 'text', 'fail', 'error', 'warning', 'pass'];
const FAIL = ['fail', '✕'];
const SHOWN = [['crash', '!'], ['timeout', 'T'], ['image', 'I'], FAIL, FAIL, FAIL, FAIL, ['warning', '?'], ['pass', '✓']];
const NONE = ['none', ''];
const LOADING = ['loading', ''];

// Class and symbol.
export function shown(character) {
  if (character === undefined) return LOADING;
  return SHOWN[character] ?? NONE;
}

export const inWords = (character) => NAMES[character] ?? 'not run';
export const isFailing = (character) => character <= '6';

// The worse of two characters.
export const worse = (one, other) => (other === '.' || (one !== '.' && one <= other) ? one : other);
