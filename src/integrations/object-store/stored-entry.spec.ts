import { objectKey } from './object-key.js';
import {
  bodyPath,
  entryPath,
  formatEntry,
  keyOfEntry,
  newBody,
  parseEntry,
  partsOfBody,
} from './stored-entry.js';

const entry = { body: newBody(), size: 7, digest: 'ab'.repeat(32) };
const text = formatEntry(entry).toString();

describe('the entry of an object', () => {
  it('is read as it was written', () => {
    expect(parseEntry(formatEntry(entry))).toEqual(entry);
    expect(parseEntry(formatEntry({ ...entry, size: 0 }))).toMatchObject({ size: 0 });
  });

  it.each([
    ['half', text.slice(0, -5)],
    ['empty', ''],
    ['of another version', text.replace('"version":1', '"version":2')],
    ['of another digest', text.replace('abab', 'ab')],
    ['a body elsewhere', text.replace(entry.body, '../../etc/passwd')],
    ['a negative size', text.replace('"size":7', '"size":-7')],
    ['a size that is no number', text.replace('"size":7', '"size":"7"')],
    ['null', 'null'],
  ])('is none when it is %s', (_what, changed) => {
    expect(changed).not.toBe(text);
    expect(parseEntry(Buffer.from(changed))).toBeUndefined();
  });
});

describe('paths in a store', () => {
  const key = objectKey('a', 'b.c');

  it('lead back to their key', () => {
    expect(keyOfEntry(entryPath(key))).toBe(key);
    expect(partsOfBody(bodyPath(key, entry.body))).toEqual({ key, body: entry.body });
  });

  it('that nobody here has made lead nowhere', () => {
    expect(keyOfEntry(bodyPath(key, entry.body))).toBeUndefined();
    expect(keyOfEntry('entries/a/b.c')).toBeUndefined();
    expect(keyOfEntry('entries/a/../b!')).toBeUndefined();
    expect(partsOfBody(entryPath(key))).toBeUndefined();
    expect(partsOfBody('bodies/a!b')).toBeUndefined();
    expect(partsOfBody(`${bodyPath(key, entry.body)}!`)).toBeUndefined();
  });

  it('are in the order of their keys', () => {
    const keys = ['a', 'a-b', 'a.b', 'a/b', 'a0', 'aB'].map((name) =>
      objectKey(...name.split('/')),
    );
    expect(keys.map(entryPath).toSorted()).toEqual(keys.map(entryPath));
    expect(keys.toSorted()).toEqual(keys);
  });
});
