import { setImmediate as turn } from 'node:timers/promises';
import type { RunStatus } from '../../engine/plan/run-state.js';
import {
  IllegalMoveError,
  isTerminal,
  RUN_STATUSES,
  type TerminalStatus,
} from '../../engine/plan/run-status.js';
import { liveTopic } from '../../integrations/event-bus/event-bus.js';
import type { EndResult, Settlement } from '../record/executions.repository.js';
import { EndingFixture } from './ending.fixture.js';
import { cancelledSettlement } from './settlements.js';

const FENCE = 3;
const ENDS = RUN_STATUSES.filter(isTerminal);
const CANCEL = { at: new Date(1), by: 'ada' };
const QUICKLY = { deadlineMs: 0 };

function settlement(status: TerminalStatus, at = 5_000): Settlement {
  return {
    status,
    reason: { code: 'why', message: 'So.' },
    started_at: new Date(1_000),
    finished_at: new Date(at),
  };
}

describe('EndExecution', () => {
  let fixture: EndingFixture;
  let told: string[];

  beforeEach(() => {
    fixture = new EndingFixture();
    told = [];
  });
  afterEach(() => fixture.close());

  async function stored(status: RunStatus, isCancelWanted = false): Promise<string> {
    const { _id } = await fixture.insert({
      status,
      attempt: FENCE,
      cancel_requested: isCancelWanted ? CANCEL : null,
      finished_at: isTerminal(status) ? new Date(9) : null,
    });
    const heard = told;
    fixture.bus.subscribe(liveTopic(_id), (hint) => heard.push(hint));
    return _id;
  }

  const finished = async (): Promise<number> => {
    const { values } = await fixture.metrics.executionsFinished.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };

  /**
   * The rule, once more and in words: by whom, from where, to what, and whether a cancel is wanted.
   */
  function expected(
    from: RunStatus,
    to: TerminalStatus,
    fence: number | undefined,
    isCancelWanted: boolean,
  ): EndResult | 'illegal' {
    // What runs was not skipped, and what never ran did not succeed.
    if (fence !== undefined && to === 'skipped') return 'illegal';
    if (fence === undefined && to === 'success') return 'illegal';
    if (isTerminal(from)) return 'fenced';
    if ((from === 'running') !== (fence !== undefined)) return 'fenced';
    if (fence !== undefined && fence !== FENCE) return 'fenced';
    return isCancelWanted && to !== 'cancelled' ? 'cancel_requested' : 'ended';
  }

  const table = RUN_STATUSES.flatMap((from) =>
    ENDS.flatMap((to) =>
      [FENCE, FENCE - 1, undefined].flatMap((fence) =>
        [false, true].map((isCancelWanted) => ({ from, to, fence, isCancelWanted })),
      ),
    ),
  );

  it.each(table)(
    'from $from to $to under fence $fence, cancel wanted: $isCancelWanted',
    async ({ from, to, fence, isCancelWanted }) => {
      const executionId = await stored(from, isCancelWanted);
      const before = await fixture.executions.find(executionId);
      const target = { executionId, ...(fence !== undefined && { fence }) };
      const outcome = await fixture.endings
        .end(target, settlement(to), QUICKLY)
        .catch((error: unknown) => {
          if (error instanceof IllegalMoveError) return 'illegal';
          throw error;
        });
      expect(outcome).toBe(expected(from, to, fence, isCancelWanted));
      const after = await fixture.executions.find(executionId);
      if (outcome === 'ended') {
        expect(after).toMatchObject({ ...settlement(to), duration: 4_000 });
        expect(after?.outbox).toEqual([
          { event_id: `${executionId}:finished`, type: 'execution.finished', at: new Date(5_000) },
        ]);
      } else {
        expect(after).toEqual(before);
      }
      const isEnded = outcome === 'ended';
      // The bus tells its listeners a turn later.
      await turn();
      expect(told.includes('end')).toBe(isEnded);
      expect(await finished()).toBe(isEnded ? 1 : 0);
    },
  );

  it('of two that end it, one is told that it did, also under the same fence', async () => {
    const executionId = await stored('running');
    const hold = { executionId, fence: FENCE };
    const results = await Promise.all([
      fixture.endings.end(hold, settlement('failed', 5_000)),
      fixture.endings.end(hold, settlement('failed', 5_001)),
      fixture.endings.end(hold, settlement('success', 5_002)),
    ]);
    expect(results.sort()).toEqual(['ended', 'fenced', 'fenced']);
    expect(await finished()).toBe(1);
  });

  it('fails when the database does, and tells nobody', async () => {
    const executionId = await stored('running');
    fixture.executions.failure = new Error('the document is damaged');
    const hold = { executionId, fence: FENCE };
    await expect(fixture.endings.end(hold, settlement('success'))).rejects.toThrow('damaged');
    await turn();
    expect([told.includes('end'), await finished()]).toEqual([false, 0]);
  });

  it('has a duration exactly when it began', async () => {
    const executionId = await stored('pending');
    const never = { ...settlement('failed'), started_at: null };
    expect(await fixture.endings.end({ executionId }, never)).toBe('ended');
    expect(await fixture.executions.find(executionId)).toMatchObject({ duration: null });
    const { values } = await fixture.metrics.executionDuration.get();
    expect(values).toEqual([]);
  });

  it('is an end although nobody can be told: the news stay in the outbox', async () => {
    const executionId = await stored('running');
    jest.spyOn(fixture.bus, 'endLive').mockRejectedValue(new Error('Redis is away'));
    const hold = { executionId, fence: FENCE };
    expect(await fixture.endings.end(hold, settlement('success'))).toBe('ended');
    await fixture.handover.onApplicationShutdown();
    expect((await fixture.executions.find(executionId))?.outbox).toHaveLength(1);
  });

  it('keeps nothing of news that all have taken', async () => {
    const executionId = await stored('running');
    await fixture.endings.end({ executionId, fence: FENCE }, settlement('success'));
    await fixture.handover.onApplicationShutdown();
    const after = await fixture.executions.find(executionId);
    expect(after).not.toHaveProperty('outbox');
    expect(after).not.toHaveProperty('outbox_due');
  });

  it('ends what somebody wants cancelled with what the request says', async () => {
    const { _id: executionId } = await fixture.insert();
    const request = { at: new Date(), by: 'ada', reason: 'wrong branch' };
    const execution = await fixture.executions.requestCancel(executionId, request);
    if (!execution) throw new Error('not there');
    expect(await fixture.endings.end({ executionId }, cancelledSettlement(execution))).toBe(
      'ended',
    );
    expect(await fixture.executions.find(executionId)).toMatchObject({
      status: 'cancelled',
      reason: { code: 'cancelled_by_user', message: 'Cancelled by ada: wrong branch.' },
    });
  });
});
