import { uuidV7 } from '../../common/ids/uuid.js';
import { MemoryScheduleStore } from './memory-schedule-store.fixture.js';
import { type ScheduleStore, type Tick, tickId } from './schedule-store.js';

/** What the port promises, for each of its adapters. */
export function describeScheduleStore(name: string, make: () => ScheduleStore): void {
  describe(name, () => {
    let store: ScheduleStore;
    let pipelineId: string;
    let scheduleId: string;
    const since = new Date('2026-06-15T12:00:00Z');

    beforeEach(async () => {
      store = make();
      pipelineId = uuidV7();
      scheduleId = `${pipelineId}:a`;
      await store.begin({ id: scheduleId, pipelineId, since });
    });

    const tick = (time: string, change: Partial<Tick> = {}): Tick => {
      const at = new Date(time);
      return {
        id: tickId(scheduleId, at),
        scheduleId,
        pipelineId,
        at,
        decidedAt: new Date(at.getTime() + 1),
        starts: true,
        reason: { code: 'trigger_accepted', message: 'it is time', data: { late_ms: 1 } },
        version: 2,
        executionId: uuidV7(),
        ...change,
      };
    };
    const openOf = async (): Promise<Tick[]> =>
      (await store.open(1000)).filter((one) => one.pipelineId === pipelineId);

    it('keeps a schedule that is there', async () => {
      await store.begin({ id: scheduleId, pipelineId, since: new Date() });
      const state = { id: scheduleId, pipelineId, since, last: null };
      expect(await store.ofPipeline(pipelineId)).toEqual([state]);
      expect(await store.all()).toContainEqual(state);
      await store.end([scheduleId]);
      await store.end([]);
      expect(await store.ofPipeline(pipelineId)).toEqual([]);
    });

    it('has one tick for an instant, of however many', async () => {
      const mine = Array.from({ length: 5 }, () => tick('2026-06-15T13:00:00Z'));
      const stored = await Promise.all(mine.map((one) => store.decide(one)));
      const [first] = stored;
      expect(mine).toContainEqual(first);
      expect(stored).toEqual(mine.map(() => first));
      expect(await openOf()).toEqual([first]);
      const [state] = await store.ofPipeline(pipelineId);
      expect(state).toMatchObject({ since: first?.at, last: first });
    });

    it('a schedule never goes back', async () => {
      const late = tick('2026-06-15T14:00:00Z');
      await store.decide(late);
      await store.decide(tick('2026-06-15T13:00:00Z', { starts: false, executionId: null }));
      const [state] = await store.ofPipeline(pipelineId);
      expect(state).toMatchObject({ since: late.at, last: late });
      expect(await openOf()).toEqual([late]);
    });

    it('forgets old ticks that are started', async () => {
      const [left, done] = [tick('2026-06-15T13:00:00Z'), tick('2026-06-15T14:00:00Z')];
      for (const one of [left, done]) await store.decide(one);
      await store.started(done.id);
      await store.removeBefore(new Date('2026-06-15T15:00:00Z'));
      expect(await openOf()).toEqual([left]);
      const again = { ...done, executionId: uuidV7() };
      expect(await store.decide(again)).toEqual(again);
    });
  });
}

describeScheduleStore('MemoryScheduleStore', () => new MemoryScheduleStore());
