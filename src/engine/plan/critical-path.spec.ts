import { criticalPath, type TimedNode } from './critical-path.js';

const node = (id: string, needs: string[], from?: number, to?: number): TimedNode => ({
  id,
  needs,
  ...(from !== undefined && to !== undefined && { ran: { from, to } }),
});
const ids = (nodes: readonly TimedNode[]) => criticalPath(nodes).map(({ id }) => id);

describe('criticalPath', () => {
  it('is empty when nothing ran', () => {
    expect(criticalPath([])).toEqual([]);
    expect(criticalPath([node('a', [])])).toEqual([]);
  });

  it('is all of a chain, with what each part waited', () => {
    const chain = [node('a', [], 0, 10), node('b', ['a'], 12, 20), node('c', ['b'], 20, 25)];
    expect(criticalPath(chain)).toEqual([
      { id: 'a', waited: 0, took: 10 },
      { id: 'b', waited: 2, took: 8 },
      { id: 'c', waited: 0, took: 5 },
    ]);
  });

  it('goes through the slower side of a diamond', () => {
    const diamond = [
      node('top', [], 0, 10),
      node('quick', ['top'], 10, 20),
      node('slow', ['top'], 10, 90),
      node('bottom', ['quick', 'slow'], 90, 95),
    ];
    expect(ids(diamond)).toEqual(['top', 'slow', 'bottom']);
  });

  it('ends with what ended last, wherever it stands', () => {
    expect(ids([node('a', [], 0, 100), node('b', [], 0, 10), node('c', ['b'], 10, 20)])).toEqual([
      'a',
    ]);
  });

  it('looks through what did not run', () => {
    const skipped = [
      node('a', [], 0, 10),
      node('b', [], 0, 30),
      node('gate', ['a', 'b']),
      node('skipped', ['gate']),
      node('c', ['skipped', 'a'], 31, 40),
    ];
    expect(ids(skipped)).toEqual(['b', 'c']);
  });

  it('takes the first of equals, ignores unknown needs, and survives a circle', () => {
    expect(
      ids([node('a', [], 0, 10), node('b', [], 0, 10), node('c', ['a', 'b', 'x'], 10, 11)]),
    ).toHaveLength(2);
    expect(ids([node('a', ['b'], 0, 10), node('b', ['a'], 10, 20)])).toEqual(['a', 'b']);
  });

  it('never tells a negative time, whatever the clocks said', () => {
    const odd = [node('a', [], 10, 5), node('b', ['a'], 3, 20)];
    expect(criticalPath(odd).every(({ waited, took }) => waited >= 0 && took >= 0)).toBe(true);
  });
});
