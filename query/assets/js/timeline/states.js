// What the characters of a timeline's cells mean: digits of states, the worst first, and a dot where nothing ran.

import { FAILING, NAMES, STATES } from '../states.js';

const NONE = ['none', ''];
const LOADING = ['loading', ''];

// Class and symbol.
export function shown(character) {
  if (character === undefined) return LOADING;
  return STATES[character] ?? NONE;
}

export const inWords = (character) => NAMES[character] ?? 'not run';
export const isFailing = (character) => Number(character) < FAILING;

// The worse of two characters.
export const worse = (one, other) => (other === '.' || (one !== '.' && one <= other) ? one : other);
