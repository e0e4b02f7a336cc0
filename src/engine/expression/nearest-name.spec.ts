import { nearestName } from './nearest-name.js';

describe('nearestName', () => {
  const known = ['environment', 'timeout', 'needs', 'run', 'working_directory', 'when'];
  it.each([
    ['enviroment', 'environment'],
    ['Timeout', 'timeout'],
    ['time-out', 'timeout'],
    ['workingDirectory', 'working_directory'],
    ['nedes', 'needs'],
    ['runn', 'run'],
    ['wehn', 'when'],
    ['banana', undefined],
    ['x', undefined],
    ['', undefined],
    ['n'.repeat(1000), undefined],
  ])('%s', (name, expected) => {
    expect(nearestName(name, known)).toBe(expected);
  });
});
