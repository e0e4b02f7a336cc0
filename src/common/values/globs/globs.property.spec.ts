import fc from 'fast-check';
import { Globs } from './globs.js';

/** The meaning of globs, written down as plainly as it can be, whatever it costs. */
function nameFits(pattern: string, name: string): boolean {
  if (pattern === '') return name === '';
  if (pattern.startsWith('*')) {
    return nameFits(pattern.slice(1), name) || (name !== '' && nameFits(pattern, name.slice(1)));
  }
  const isFit = name !== '' && (pattern[0] === '?' || pattern[0] === name[0]);
  return isFit && nameFits(pattern.slice(1), name.slice(1));
}

/** Whether the names are what the glob names, or below that. */
function pathFits(parts: readonly string[], names: readonly string[]): boolean {
  const [part, ...others] = parts;
  const [name, ...rest] = names;
  if (part === undefined) return true;
  if (part === '**') {
    if (others.length === 0) return name !== undefined;
    return pathFits(others, names) || (name !== undefined && pathFits(parts, rest));
  }
  return name !== undefined && nameFits(part, name) && pathFits(others, rest);
}

const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 4 });
const part = fc.oneof(
  fc.constant('**'),
  fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), minLength: 1, maxLength: 5 }),
);
const isReal = (names: readonly string[]) => !names.some((one) => one === '.' || one === '..');
const names = fc.array(name, { minLength: 1, maxLength: 5 }).filter(isReal);
const parts = fc.array(part, { minLength: 1, maxLength: 4 }).filter(isReal);

describe('globs', () => {
  it('mean what they are said to mean', () => {
    fc.assert(
      fc.property(parts, names, (glob, path) => {
        const found = new Globs([glob.join('/')]).matches(path.join('/'));
        expect(found).toBe(pathFits(glob, path));
      }),
      { numRuns: 3000 },
    );
  });

  it('of a list: what one takes and no exclusion takes away', () => {
    const lists = fc.array(parts, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(lists, fc.array(parts, { maxLength: 2 }), names, (takes, leaves, path) => {
        const found = new Globs([
          ...leaves.map((glob) => `!${glob.join('/')}`),
          ...takes.map((glob) => glob.join('/')),
        ]).matches(path.join('/'));
        const isTaken = takes.some((glob) => pathFits(glob, path));
        expect(found).toBe(isTaken && !leaves.some((glob) => pathFits(glob, path)));
      }),
      { numRuns: 2000 },
    );
  });
});
