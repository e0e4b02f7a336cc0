import { randomUUID } from 'node:crypto';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import type { OutboxEvent } from '../record/outbox-event.js';
import { MemoryOutboxes } from './memory-outboxes.fixture.js';
import type { OutboxStore } from './outbox-store.js';

/** Executions as a store of outboxes stands on them. */
interface Stored {
  insert(execution: ExecutionRecord): Promise<boolean>;
  find(id: string): Promise<ExecutionRecord | null>;
}

/** What a store of outboxes does. */
export function describeOutboxStore(
  name: string,
  setUp: () => { readonly executions: Stored; readonly outboxes: OutboxStore },
): void {
  describe(`${name} as OutboxStore`, () => {
    const { executions, outboxes } = setUp();
    const event = (event_id: string): OutboxEvent => ({
      event_id,
      type: 'execution.finished',
      at: new Date(7),
    });

    async function store(due: number, ...ids: readonly string[]): Promise<string> {
      const execution = pendingExecution({
        _id: randomUUID(),
        outbox: ids.map(event),
        outbox_due: new Date(due),
      });
      await executions.insert(execution);
      return execution._id;
    }

    const isEmpty = async (id: string): Promise<boolean> => {
      const execution = await executions.find(id);
      if (!execution) throw new Error('not there');
      return !('outbox' in execution) && !('outbox_due' in execution);
    };
    const idsOf = async (id: string) => (await outboxes.read(id)).map(({ event_id }) => event_id);

    // Each test finds the outboxes of no other.
    afterEach(async () => {
      for (const { executionId } of await outboxes.waiting(1_000)) {
        for (const eventId of await idsOf(executionId))
          await outboxes.remove({ executionId, eventId });
      }
    });

    it('reads what is there, oldest first; of an execution without news nothing', async () => {
      expect(await idsOf(await store(1, 'a', 'b'))).toEqual(['a', 'b']);
      const old = pendingExecution({ _id: randomUUID() });
      await executions.insert(old);
      expect(await outboxes.read(old._id)).toEqual([]);
      expect(await executions.find(old._id)).toEqual(old);
      expect(await outboxes.read('no such execution')).toEqual([]);
    });

    it('tells who waits, those that are due the longest first', async () => {
      await executions.insert(pendingExecution({ _id: randomUUID() }));
      const [late, early] = [await store(3_000, 'a'), await store(2_000, 'b')];
      const all = await outboxes.waiting(10);
      expect(all).toEqual([
        { executionId: early, due: new Date(2_000), tries: 0 },
        { executionId: late, due: new Date(3_000), tries: 0 },
      ]);
      expect(await outboxes.waiting(1)).toEqual(all.slice(0, 1));
    });

    it('removes one after the other, and waits for nothing then', async () => {
      const executionId = await store(1, 'a', 'b');
      await outboxes.remove({ executionId, eventId: 'a' });
      expect(await idsOf(executionId)).toEqual(['b']);
      expect(await outboxes.waiting(10)).toHaveLength(1);
      await outboxes.remove({ executionId, eventId: 'a' });
      expect(await idsOf(executionId)).toEqual(['b']);
      await outboxes.remove({ executionId, eventId: 'b' });
      await outboxes.remove({ executionId, eventId: 'b' });
      expect(await isEmpty(executionId)).toBe(true);
      expect(await outboxes.waiting(10)).toEqual([]);
    });

    it('removes many at once, and leaves those that hold other news', async () => {
      const [one, two, more] = [await store(1, 'a'), await store(1, 'b'), await store(1, 'c', 'd')];
      const other = await store(1, 'x');
      await outboxes.removeAll([
        { executionId: one, eventId: 'a' },
        { executionId: two, eventId: 'b' },
        { executionId: more, eventId: 'c' },
        { executionId: other, eventId: 'y' },
      ]);
      await outboxes.removeAll([]);
      expect([await isEmpty(one), await isEmpty(two)]).toEqual([true, true]);
      expect([await idsOf(more), await idsOf(other)]).toEqual([['c', 'd'], ['x']]);
    });

    it('notes who has taken it, once each, and who refused it', async () => {
      const executionId = await store(1, 'a', 'b');
      const first = { executionId, eventId: 'a' };
      await outboxes.noteTaken(first, ['feed']);
      const refusal = { takenBy: ['feed', 'mail'], tries: 3, due: new Date(9_000) };
      await outboxes.noteRefusal(first, refusal);
      expect(await outboxes.read(executionId)).toEqual([
        { ...event('a'), taken_by: ['feed', 'mail'], tries: 3 },
        event('b'),
      ]);
      expect(await outboxes.waiting(10)).toEqual([{ executionId, due: new Date(9_000), tries: 3 }]);
    });

    it('notes nothing for news that are not the oldest', async () => {
      const executionId = await store(1, 'a', 'b');
      const second = { executionId, eventId: 'b' };
      await outboxes.noteTaken(second, ['feed']);
      await outboxes.noteRefusal(second, { takenBy: [], tries: 1, due: new Date(9_000) });
      expect(await outboxes.read(executionId)).toEqual([event('a'), event('b')]);
      expect(await outboxes.waiting(10)).toMatchObject([{ due: new Date(1) }]);
    });
  });
}

describeOutboxStore('MemoryOutboxes', () => {
  const executions = new MemoryExecutions();
  return { executions, outboxes: new MemoryOutboxes(executions) };
});
