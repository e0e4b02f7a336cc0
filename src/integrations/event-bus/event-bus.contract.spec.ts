import { randomUUID } from 'node:crypto';
import { endTextOf, type EventBus, isEndHint, liveTopic, type LiveLogEntry } from './event-bus.js';
import { MemoryEventBus } from './memory-event-bus.js';

/** What every adapter of `EventBus` does. */
export function describeEventBus(name: string, bus: () => EventBus): void {
  const entry = (firstSeq: number, lastSeq: number, fence = 1): LiveLogEntry => ({
    fence,
    firstSeq,
    lastSeq,
    payload: Buffer.from([0, 0xff, 10, firstSeq & 0xff]),
  });

  describe(`${name} as EventBus`, () => {
    let id = '';
    const append = async (...entries: LiveLogEntry[]) => {
      for (const one of entries) expect(await bus().appendLog(id, one, 0)).toBe('appended');
    };
    const ranges = async (after: number, limit = 100) =>
      (await bus().readLog(id, after, limit)).map((one) => [one.firstSeq, one.lastSeq]);

    beforeEach(() => {
      id = randomUUID();
    });

    it('reads entries back, bytes and all', async () => {
      await append(entry(1, 3), entry(4, 4, 7));
      expect(await bus().readLog(id, 0, 10)).toEqual([entry(1, 3), entry(4, 4, 7)]);
      expect(await bus().readLog(randomUUID(), 0, 10)).toEqual([]);
    });

    it('begins with the entry that holds the line behind a number', async () => {
      await append(entry(1, 3), entry(4, 6), entry(7, 9));
      expect(await ranges(2)).toEqual([[1, 3], [4, 6], [7, 9]]); // prettier-ignore
      expect(await ranges(3)).toEqual([[4, 6], [7, 9]]); // prettier-ignore
      expect(await ranges(3, 1)).toEqual([[4, 6]]);
      expect(await ranges(9)).toEqual([]);
    });

    it('reads back from the newest entry, or from any number', async () => {
      const newest = async (upToSeq: number, limit = 100) =>
        (await bus().readNewestLog(id, upToSeq, limit)).map((one) => [one.firstSeq, one.lastSeq]);
      expect(await newest(Infinity)).toEqual([]);
      await append(entry(1, 3), entry(4, 6), entry(7, 9));
      expect(await bus().readNewestLog(id, Infinity, 1)).toEqual([entry(7, 9)]);
      expect(await newest(Infinity)).toEqual([[7, 9], [4, 6], [1, 3]]); // prettier-ignore
      expect(await newest(Infinity, 2)).toEqual([[7, 9], [4, 6]]); // prettier-ignore
      expect(await newest(8)).toEqual([[4, 6], [1, 3]]); // prettier-ignore
      expect(await newest(6, 1)).toEqual([[4, 6]]);
      expect(await newest(2)).toEqual([]);
    });

    it('refuses what is repeated or old', async () => {
      await append(entry(1, 3), entry(10, 12, 2));
      expect(await bus().appendLog(id, entry(10, 12, 2), 0)).toBe('refused');
      expect(await bus().appendLog(id, entry(4, 6, 1), 0)).toBe('refused');
      expect(await ranges(0)).toEqual([[1, 3], [10, 12]]); // prettier-ignore
    });

    it('trims what ends before a number', async () => {
      await append(entry(1, 3), entry(4, 6));
      await bus().appendLog(id, entry(7, 9), 4);
      expect(await ranges(0)).toEqual([[4, 6], [7, 9]]); // prettier-ignore
      await bus().appendLog(id, entry(10, 10), 9);
      expect(await ranges(0)).toEqual([[7, 9], [10, 10]]); // prettier-ignore
    });

    it('keeps the state of the highest fence', async () => {
      expect(await bus().getState(id)).toBeUndefined();
      expect(await bus().putState(id, 2, '{"a":"ü"}')).toBe('stored');
      expect(await bus().putState(id, 1, '{}')).toBe('superseded');
      expect(await bus().getState(id)).toEqual({ fence: 2, state: '{"a":"ü"}' });
      expect(await bus().putState(id, 2, '{"b":1}')).toBe('stored');
      expect(await bus().putState(id, 10, '{"c":1}')).toBe('stored');
      expect(await bus().getState(id)).toEqual({ fence: 10, state: '{"c":1}' });
    });

    it('forgets an ended execution after the time given', async () => {
      await append(entry(1, 1));
      await bus().putState(id, 1, '{}');
      await bus().endLive(id, 60_000);
      expect(await ranges(0)).toEqual([[1, 1]]);
      await bus().endLive(id, 1);
      await until(async () => (await ranges(0)).length === 0 && !(await bus().getState(id)));
    });

    it('tells all subscribers of news, after a first resync, until they leave', async () => {
      const [one, other, foreign] = [[], [], []] as string[][];
      const topic = liveTopic(id);
      const leave = bus().subscribe(topic, (message) => one?.push(message));
      const leaveOther = bus().subscribe(topic, (message) => other?.push(message));
      const leaveForeign = bus().subscribe('elsewhere', (message) => foreign?.push(message));
      await until(async () => [one, other, foreign].every((heard) => heard?.includes('resync')));
      await append(entry(1, 1));
      await bus().putState(id, 1, '{}');
      await bus().endLive(id, 60_000);
      await bus().endLive(id, 60_000, '{"a":"ü:\\n"}');
      await bus().endLive(id, 60_000, 'x'.repeat(65_537));
      await bus().publish(topic, 'own');
      await until(async () => other?.includes('own') === true);
      expect(one?.filter((message) => message !== 'resync')).toEqual([
        'log',
        'state',
        'end',
        'end:{"a":"ü:\\n"}',
        'end',
        'own',
      ]);
      leave();
      leave();
      await bus().publish(topic, 'after');
      await until(async () => other?.includes('after') === true);
      expect(one).not.toContain('after');
      expect(foreign?.filter((message) => message !== 'resync')).toEqual([]);
      leaveOther();
      leaveForeign();
    });
  });
}

/** Polls a condition; fails the test after 5 s. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('The condition did not come true within 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

it('an end is known with and without its text', () => {
  const hints = ['end', 'end:', 'end:a:b', 'state', 'ended'];
  expect(hints.map(isEndHint)).toEqual([true, true, true, false, false]);
  expect(hints.map(endTextOf)).toEqual([undefined, '', 'a:b', undefined, undefined]);
});

const memory = new MemoryEventBus();
describeEventBus('MemoryEventBus', () => memory);
