import { standIn } from '../../../test/support/stand-in.js';
import { MemoryCounters } from '../../integrations/counters/memory-counters.fixture.js';
import type { ExecutionsRepository } from '../record/executions.repository.js';
import { ExecutionNumbers } from './execution-numbers.js';

describe('numbers of executions', () => {
  let counters: MemoryCounters;
  let newest: number;
  let asked: number;
  let numbers: ExecutionNumbers;

  beforeEach(() => {
    counters = new MemoryCounters();
    newest = 0;
    asked = 0;
    const newestNumber = async (): Promise<number> => {
      asked++;
      return newest;
    };
    numbers = new ExecutionNumbers(counters, standIn<ExecutionsRepository>({ newestNumber }));
  });

  it('counts each pipeline from 1, without asking the store again', async () => {
    const given = [];
    for (let each = 0; each < 3; each++) given.push(await numbers.next('a'));
    expect(given).toEqual([1, 2, 3]);
    expect(asked).toBe(1);
    expect(await numbers.next('b')).toBe(1);
  });

  it('continues where the store is, when the counter was lost', async () => {
    newest = 41;
    expect(await numbers.next('a')).toBe(42);
  });

  it('continues behind a number that is taken', async () => {
    newest = 3;
    await numbers.next('a');
    expect(await numbers.next('a', 9)).toBe(10);
    expect(await numbers.next('a')).toBe(11);
  });

  it('asks the store while nobody counts', async () => {
    counters.isAway = true;
    newest = 6;
    expect(await numbers.next('a')).toBe(7);
    expect(await numbers.next('a', 7)).toBe(8);
  });
});
