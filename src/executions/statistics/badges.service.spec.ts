import { standIn } from '../../../test/support/stand-in.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import type {
  ExecutionFilter,
  ExecutionListsRepository,
  ExecutionSummary,
} from '../record/execution-lists.repository.js';
import { endedExecution, pendingExecution } from '../record/execution.fixture.js';
import { BadgesService } from './badges.service.js';

const ID = '0190a0b0-0000-7000-8000-00000000000a';

describe('BadgesService', () => {
  let stored: ExecutionSummary[];
  let asked: ExecutionFilter[];
  let badges: BadgesService;

  beforeEach(() => {
    stored = [];
    asked = [];
    badges = new BadgesService(
      standIn<PipelinesService>({ exists: async (id) => id === ID }),
      standIn<ExecutionListsRepository>({
        list: async (filter) => {
          asked.push(filter);
          return stored.filter(({ status }) => filter.status?.includes(status));
        },
      }),
    );
  });

  it('shows how the newest execution that is over ended, whatever runs now', async () => {
    stored = [pendingExecution({ status: 'running' }), endedExecution('failed')];
    expect(await badges.stateOf(ID.toUpperCase(), 'main')).toBe('failed');
    expect(asked).toMatchObject([{ pipelineId: ID, branch: 'main' }]);
  });

  it('shows what the newest does before one is over', async () => {
    stored = [pendingExecution({ status: 'running' })];
    expect(await badges.stateOf(ID, undefined)).toBe('running');
  });

  it('knows nothing of a pipeline that never ran', async () => {
    expect(await badges.stateOf(ID, undefined)).toBe('no_runs');
  });

  it.each(['no id', '0190a0b0-0000-7000-8000-00000000000b'])('does not know %s', async (id) => {
    expect(await badges.stateOf(id, undefined)).toBe('unknown');
    expect(asked).toEqual([]);
  });
});
