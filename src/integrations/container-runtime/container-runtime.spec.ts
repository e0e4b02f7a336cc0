import { AbsentRuntime } from './absent-runtime.js';

/** All that the port asks for, and one helper: it must implement each method. */
const METHODS = Object.getOwnPropertyNames(AbsentRuntime.prototype).filter(
  (name) => name !== 'constructor' && name !== 'away',
);

describe('ContainerRuntime', () => {
  it('has at most eight methods: another one has to take the place of one of these', () => {
    expect(METHODS.toSorted()).toEqual([
      ...['close', 'facts', 'openNetwork', 'provide', 'start', 'sweep', 'sweepStale', 'userOf'],
    ]);
    expect(METHODS.length).toBeLessThanOrEqual(8);
  });
});
