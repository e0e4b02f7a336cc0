import { Logger } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { standIn } from '../../../test/support/stand-in.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { ExecutionFeed, type FeedOutcome } from '../../logs/feed/execution-feed.js';
import type { LogQuery } from '../../logs/read/log-query.js';
import type { LogReader } from '../../logs/read/log-reader.js';
import { endedExecution, pendingExecution } from '../record/execution.fixture.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import { ExecutionLogs } from './execution-logs.js';
import type { ExecutionViews } from './execution-views.js';

Logger.overrideLogger(false);

describe('ExecutionLogs', () => {
  const executions = new MemoryExecutions();
  const bus = new MemoryEventBus();
  const metrics = new Metrics();
  const asked: { readonly query: LogQuery; readonly count: number }[] = [];
  const logs = new ExecutionLogs(
    standIn<LogReader>({
      tail: async (query, count) => {
        asked.push({ query, count });
        return ['a'.repeat(5_000), 'b'];
      },
    }),
    executions.repository,
    standIn<ExecutionViews>({}),
    bus,
    metrics,
  );
  beforeEach(() => asked.splice(0));
  afterAll(() => logs.onApplicationShutdown());

  it('shows the end of a log from the execution itself, where that kept one', async () => {
    const execution = endedExecution('success', { logs: ['1', '2', '3'] });
    expect(await logs.tail(execution, 2)).toEqual(['2', '3']);
    expect(asked).toEqual([]);
  });

  it('reads it where the execution kept none, and cuts its lines', async () => {
    const placement = { claim_id: 'c', worker_id: 'w', worker_name: 'w', claimed_at: new Date() };
    const execution = pendingExecution({ status: 'running', attempt: 1, placements: [placement] });
    expect(await logs.tail(execution, 2)).toEqual(['a'.repeat(1_000), 'b']);
    expect(asked).toEqual([
      {
        query: { executionId: execution._id, fences: [{ fence: 1, firstSeq: 1 }], afterSeq: 0 },
        count: 2,
      },
    ]);
  });

  it('sends no log of what is not there', async () => {
    const send = logs.send('x', { afterSeq: 0 }, 'plain', standIn<ServerResponse>({}));
    await expect(send).rejects.toMatchObject({ kind: 'NotFoundError' });
  });

  it.each<[FeedOutcome, object | undefined]>([
    ['served', undefined],
    ['not_found', { kind: 'NotFoundError' }],
    ['too_many', { kind: 'RateLimitError', details: { reason: 'streams_of_client' } }],
    ['full', { kind: 'ServiceUnavailableError', details: { reason: 'streams_of_server' } }],
  ])('answers a follower that is %s', async (outcome, error) => {
    jest.spyOn(ExecutionFeed.prototype, 'serve').mockResolvedValueOnce(outcome);
    const follow = logs.follow('e', 0, 'ada', standIn<ServerResponse>({}));
    if (error === undefined) await expect(follow).resolves.toBeUndefined();
    else await expect(follow).rejects.toMatchObject(error);
    expect(await metrics.registry.metrics()).toContain('millrace_sse_clients 0');
  });
});
