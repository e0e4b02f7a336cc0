import { suspectBodies } from './abandoned-bodies.js';
import { objectKey } from './object-key.js';
import { bodyPath, entryPath, newBody } from './stored-entry.js';

async function* pages(paths: readonly string[], size: number): AsyncGenerator<readonly string[]> {
  for (let at = 0; at < paths.length; at += size) yield paths.slice(at, at + size);
}

async function suspects(bodies: readonly string[], entries: readonly string[], size = 2) {
  const found: string[] = [];
  for await (const { path } of suspectBodies(
    pages(bodies.toSorted(), size),
    pages(entries.toSorted(), size),
  )) {
    found.push(path);
  }
  return found;
}

const keys = ['a', 'a-b', 'a/b', 'b', 'c', 'd'].map((name) => objectKey(...name.split('/')));
const entries = keys.map(entryPath);
const bodies = keys.map((key) => bodyPath(key, newBody()));

describe('bodies that may be of no entry', () => {
  it('are none where each entry has its body', async () => {
    expect(await suspects(bodies, entries)).toEqual([]);
    expect(await suspects([], entries)).toEqual([]);
  });

  it('are those without an entry, wherever in the list', async () => {
    for (const [index, body] of bodies.entries()) {
      const others = entries.filter((_entry, at) => at !== index);
      expect(await suspects(bodies, others)).toEqual([body]);
    }
    expect(await suspects(bodies, [])).toEqual(bodies.toSorted());
  });

  it('are all of a key that has two, over the end of a page too', async () => {
    const second = bodyPath(objectKey('a-b'), newBody());
    const both = [bodies[1], second].toSorted();
    for (const size of [1, 2, 3]) {
      expect(await suspects([...bodies, second], entries, size)).toEqual(both);
    }
  });

  it('are nothing that others have put there', async () => {
    expect(await suspects(['bodies/readme.txt', 'bodies/x!y'], ['entries/x'])).toEqual([]);
  });
});
