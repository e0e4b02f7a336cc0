import type { RunState } from '../../engine/plan/run-state.js';
import type { TriggerInfo } from '../record/execution.schema.js';
import type { Progress } from '../record/execution.schema.js';
import { StatePublisher } from './state-publisher.js';

function state(startedAt: number): RunState {
  return { status: 'running', startedAt, stages: [], onFailure: [], always: [] };
}

function setUp(record: (progress: Progress) => Promise<boolean> = () => Promise.resolve(true)) {
  const live: number[] = [];
  const recorded: number[] = [];
  const problems: string[] = [];
  const triggers: TriggerInfo[] = [];
  let fenced = 0;
  const publisher = new StatePublisher(
    { trigger_type: 'manual', triggered_by: 'ada', timestamp: new Date(0) },
    {
      publishLive: async ({ started_at, trigger_info }) => {
        live.push(started_at?.getTime() ?? -1);
        triggers.push(trigger_info);
      },
      record: (progress) => {
        recorded.push(progress.started_at?.getTime() ?? -1);
        return record(progress);
      },
      fenced: () => (fenced += 1),
    },
    (where) => problems.push(where),
  );
  return { publisher, triggers, live, recorded, problems, fenced: () => fenced };
}

describe('StatePublisher', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('tells of the trigger what was cloned, as soon as it is known', async () => {
    const { publisher, triggers } = setUp();
    publisher.push(state(1));
    await jest.advanceTimersByTimeAsync(30);
    publisher.push({ ...state(2), cloned: { branch: 'main', commit: 'c1' } });
    await jest.advanceTimersByTimeAsync(30);
    expect(triggers.map(({ branch, commit_hash }) => [branch, commit_hash])).toEqual([
      [undefined, undefined],
      ['main', 'c1'],
    ]);
    expect(triggers[1]).toMatchObject({ trigger_type: 'manual', triggered_by: 'ada' });
    await publisher.end();
  });

  it('tells states of one moment as one, at once, and then those of the next 25 ms', async () => {
    const { publisher, live } = setUp();
    for (let i = 1; i <= 5; i++) publisher.push(state(i));
    await jest.advanceTimersByTimeAsync(1);
    expect(live).toEqual([5]);
    publisher.push(state(6));
    publisher.push(state(7));
    await jest.advanceTimersByTimeAsync(30);
    expect(live).toEqual([5, 7]);
    await jest.advanceTimersByTimeAsync(100);
    publisher.push(state(8));
    await jest.advanceTimersByTimeAsync(0);
    expect(live).toEqual([5, 7, 8]);
  });

  it('records a few times a second, only what is new, and nothing after the end', async () => {
    const { publisher, recorded } = setUp();
    publisher.push(state(1));
    publisher.push(state(2));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(recorded).toEqual([2]);
    publisher.push(state(3));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(recorded).toEqual([2, 3]);
    publisher.push(state(4));
    await publisher.end();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(recorded).toEqual([2, 3]);
  });

  it('says once that the execution was taken away, and stops', async () => {
    const { publisher, recorded, fenced } = setUp(() => Promise.resolve(false));
    publisher.push(state(1));
    await jest.advanceTimersByTimeAsync(1_000);
    publisher.push(state(2));
    await jest.advanceTimersByTimeAsync(5_000);
    expect([recorded, fenced()]).toEqual([[1], 1]);
  });

  it('continues after a store was away', async () => {
    let away = true;
    const { publisher, recorded, problems } = setUp(() =>
      away ? Promise.reject(new Error('away')) : Promise.resolve(true),
    );
    publisher.push(state(1));
    await jest.advanceTimersByTimeAsync(900);
    away = false;
    await jest.advanceTimersByTimeAsync(5_000);
    expect(problems).toEqual(['database', 'database']);
    expect(recorded).toEqual([1, 1, 1]);
  });
});
