import { ProcessGroups } from '../../integrations/process/process-groups.js';
import { LeftContainers } from './left-containers.js';

const groups = new ProcessGroups('millrace-x-');
const id = (letter: string): string => `${letter.repeat(8)}-0000-7000-8000-000000000000`;
const HOUR_MS = 3_600_000;

describe('LeftContainers', () => {
  let now: number;
  let there: string[];
  let swept: string[];
  let stale: number;
  let states: readonly object[];
  let isAway: boolean;

  beforeEach(() => {
    now = 0;
    there = [];
    swept = [];
    stale = 0;
    states = [];
    isAway = false;
  });

  const left = new LeftContainers(
    {
      sweepStale: async () => {
        stale += 1;
        return { ended: 0, groups: there };
      },
      sweep: async (group) => {
        swept.push(group);
        return 1;
      },
    },
    { holds: (executionId) => executionId === id('a') },
    {
      holdStates: async () => {
        if (isAway) throw new Error('no database');
        return states as never;
      },
    },
    { warn: () => undefined },
    () => now,
  );

  it('removes what attempts have left that are over, and of nobody else', async () => {
    const elsewhere = new ProcessGroups('millrace-y-');
    const over = [
      ...[groups.ofAttempt(id('c'), 1), groups.ofAttempt(id('d'), 1)],
      // Of a worker of this installation whose data folder is another one.
      elsewhere.ofAttempt(id('c'), 1),
    ];
    there = [
      ...[groups.ofAttempt(id('a'), 1), groups.ofAttempt(id('b'), 1), ...over],
      ...['millrace-other-1', `run-7-${id('c')}.1`, elsewhere.ofAttempt(id('b'), 1)],
    ];
    states = [
      // It began here a moment ago: the database was read before that.
      { _id: id('a'), status: 'pending', attempt: 0 },
      { _id: id('b'), status: 'running', attempt: 1 },
      { _id: id('c'), status: 'failed', attempt: 1 },
      { _id: id('d'), status: 'running', attempt: 2 },
    ];
    await left.remove();
    expect(swept).toEqual(over);
    expect(stale).toBe(1);
  });

  it('waits for an hour in which no record knows it', async () => {
    const group = groups.ofAttempt(id('e'), 3);
    there = [group];
    await left.remove();
    now = HOUR_MS - 1;
    await left.remove();
    expect(swept).toEqual([]);
    now = HOUR_MS;
    await left.remove();
    expect(swept).toEqual([group]);
  });

  it('counts that hour again for what was not there meanwhile', async () => {
    there = [groups.ofAttempt(id('e'), 3)];
    await left.remove();
    there = [];
    await left.remove();
    there = [groups.ofAttempt(id('e'), 3)];
    now = HOUR_MS;
    await left.remove();
    expect(swept).toEqual([]);
  });

  it('removes nothing while the database cannot be read', async () => {
    there = [groups.ofAttempt(id('c'), 1)];
    isAway = true;
    await expect(left.remove()).rejects.toThrow('no database');
    expect(swept).toEqual([]);
  });
});
