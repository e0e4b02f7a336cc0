import { allNeeds, cycleOf, rootsOf } from './dependency-graph.js';

const graph = new Map([
  ['web', ['api', 'cache']],
  ['api', ['db', 'search']],
  ['search', ['db']],
]);
const needs = (id: string): readonly string[] => graph.get(id) ?? [];

describe('what services need', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['db', []],
    ['cache', ['cache']],
    ['api', ['api']],
    ['api db', ['db']],
    ['api search', ['search']],
    ['api search db', ['db']],
    ['api db cache', ['cache', 'db']],
  ])('when %j are down, finds the roots of web', (down, roots) => {
    expect(rootsOf('web', needs, (id) => down.split(' ').includes(id))).toEqual(roots);
  });

  it('are all that are below one', () => {
    expect([...allNeeds('web', needs)].sort()).toEqual(['api', 'cache', 'db', 'search']);
    expect(allNeeds('db', needs)).toEqual([]);
  });

  it('must not be the one itself, over however many others', () => {
    expect(cycleOf('web', needs)).toBeUndefined();
    const closed = (id: string): readonly string[] => (id === 'db' ? ['web'] : needs(id));
    expect(cycleOf('web', closed)).toEqual(['web', 'api', 'db', 'web']);
    expect(cycleOf('x', (id) => (id === 'x' ? ['x'] : []))).toEqual(['x', 'x']);
  });

  it('come to an end where there is a cycle, as two requests at once may make one', () => {
    const closed = (id: string): readonly string[] => (id === 'db' ? ['api'] : needs(id));
    expect(rootsOf('web', closed, (id) => id !== 'cache')).toHaveLength(1);
    expect([...allNeeds('db', closed)].sort()).toEqual(['api', 'search']);
    expect(cycleOf('web', closed)).toBeUndefined();
  });
});
