import { standIn } from '../../../test/support/stand-in.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import type {
  ExecutionListsRepository,
  FinishedExecution,
  ListRange,
} from '../record/execution-lists.repository.js';
import { endedExecution } from '../record/execution.fixture.js';
import { PipelineStatsService, STATS_EXECUTIONS } from './pipeline-stats.service.js';

describe('PipelineStatsService', () => {
  let stored: FinishedExecution[];
  let ranges: ListRange[];

  /** `count` executions, newest first, each with so many steps. */
  function store(count: number, steps: number): void {
    const stages = [
      { name: 'a', steps: Array(steps).fill({ name: 'x', status: 'success', flaky: false }) },
    ];
    stored = Array.from({ length: count }, (_item, index) => ({
      ...endedExecution('success', { created_at: new Date(2_000_000_000_000 - index) }),
      stages,
    }));
  }
  const report = (days = 7) =>
    new PipelineStatsService(
      standIn<PipelinesService>({ getHead: jest.fn() }),
      standIn<ExecutionListsRepository>({
        finished: async (_filter, range) => {
          ranges.push(range);
          const begin = stored.findIndex(({ _id }) => _id === range.before) + 1;
          return stored.slice(begin, begin + range.limit);
        },
      }),
    ).report('p', days);

  beforeEach(() => (ranges = []));

  it('looks at all that there are, page by page and each once', async () => {
    store(450, 1);
    expect(await report()).toMatchObject({ looked_at: 450, cut: false });
    expect(ranges.map(({ before }) => before)).toEqual([
      undefined,
      stored[199]?._id,
      stored[399]?._id,
    ]);
  });

  it('says of an exactly full look that nothing was left out', async () => {
    store(STATS_EXECUTIONS, 1);
    expect(await report()).toMatchObject({ looked_at: STATS_EXECUTIONS, cut: false });
  });

  it('looks at no more than 1,000, and says so', async () => {
    store(STATS_EXECUTIONS + 1, 1);
    expect(await report()).toMatchObject({ looked_at: STATS_EXECUTIONS, cut: true });
  });

  it('looks at fewer when they have very many steps', async () => {
    store(900, 250);
    expect(await report()).toMatchObject({ looked_at: 200, cut: true });
  });

  it('begins with what was accepted in the last days', async () => {
    store(0, 0);
    const { from } = await report(2);
    expect(Math.abs(Date.now() - 2 * 86_400_000 - from.getTime())).toBeLessThan(5_000);
    expect(ranges).toHaveLength(1);
  });
});
