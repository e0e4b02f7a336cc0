import type { ObjectKey } from './object-key.js';
import { keyOfEntry, partsOfBody } from './stored-entry.js';

export interface BodyPath {
  readonly path: string;
  readonly key: ObjectKey;
  readonly body: string;
}

/**
 * Bodies that may be of no entry: those of a key that has none, and those of a key that has several
 * bodies. Both lists are in the order of their keys, so no entry need be read for the others. The
 * lists may be of different moments: whoever removes a body asks its entry first.
 */
export async function* suspectBodies(
  bodies: AsyncIterable<readonly string[]>,
  entries: AsyncIterable<readonly string[]>,
): AsyncGenerator<BodyPath, void, void> {
  const keys = keysOf(entries);
  let known = await keys.next();
  for await (const group of byKey(bodies)) {
    const [{ key }] = group;
    while (known.done !== true && known.value < key) known = await keys.next();
    const hasEntry = known.done !== true && known.value === key;
    if (!hasEntry || group.length > 1) yield* group;
  }
}

async function* keysOf(
  pages: AsyncIterable<readonly string[]>,
): AsyncGenerator<ObjectKey, void, void> {
  for await (const page of pages) {
    for (const path of page) {
      const key = keyOfEntry(path);
      if (key !== undefined) yield key;
    }
  }
}

async function* byKey(
  pages: AsyncIterable<readonly string[]>,
): AsyncGenerator<readonly [BodyPath, ...BodyPath[]], void, void> {
  let group: [BodyPath, ...BodyPath[]] | undefined;
  for await (const page of pages) {
    for (const path of page) {
      const parts = partsOfBody(path);
      if (parts === undefined) continue;
      const one = { path, ...parts };
      if (group?.[0].key === one.key) group.push(one);
      else {
        if (group) yield group;
        group = [one];
      }
    }
  }
  if (group) yield group;
}
