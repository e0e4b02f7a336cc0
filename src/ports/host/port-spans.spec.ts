import { holderName } from './host-ports.js';
import { common, parsePortList, parsePortRange, portsOf, without } from './port-spans.js';

describe('spans of ports', () => {
  it('are read as the kernel writes them', () => {
    expect(parsePortRange('32768\t60999\n')).toEqual({ from: 32_768, to: 60_999 });
    expect(parsePortRange('')).toBeUndefined();
    expect(parsePortList('9000-9010,8080\n')).toEqual([
      { from: 8080, to: 8080 },
      { from: 9000, to: 9010 },
    ]);
    expect(parsePortList('\n')).toEqual([]);
  });

  it.each([
    ['nothing', [], ['1-10']],
    ['what stands beside it', [[20, 30]], ['1-10']],
    ['its beginning', [[0, 4]], ['5-10']],
    ['its end', [[8, 99]], ['1-7']],
    ['something within', [[4, 6]], ['1-3', '7-10']],
    [
      'pieces that overlap',
      [
        [2, 5],
        [3, 4],
        [5, 8],
      ],
      ['1-1', '9-10'],
    ],
    ['all of it', [[0, 99]], []],
  ])('are what they were without %s', (_what, taken, left) => {
    const spans = taken.map(([from = 0, to = 0]) => ({ from, to }));
    const text = without({ from: 1, to: 10 }, spans).map(({ from, to }) => `${from}-${to}`);
    expect(text).toEqual(left);
  });

  it('have something in common, or nothing', () => {
    const others = [
      { from: 1, to: 3 },
      { from: 9, to: 20 },
    ];
    expect(common({ from: 3, to: 10 }, others)).toEqual([
      { from: 3, to: 3 },
      { from: 9, to: 10 },
    ]);
    expect(common({ from: 4, to: 8 }, others)).toEqual([]);
  });

  it('are ports', () => {
    expect(
      portsOf([
        { from: 3, to: 5 },
        { from: 9, to: 9 },
      ]),
    ).toEqual([3, 4, 5, 9]);
  });
});

describe('who has a port', () => {
  it.each([
    [{ pid: 12, program: 'node', user: 0 }, 'node (pid 12)'],
    [{ pid: 12 }, 'a program (pid 12)'],
    [{ user: 33 }, 'a program of the user with the id 33'],
    [undefined, 'another program'],
  ])('%j is named', (holder, name) => {
    expect(holderName(holder)).toBe(name);
  });
});
