import { testServices } from '../../../test/support/services.js';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { type ExecutionFilter, ExecutionListsRepository } from './execution-lists.repository.js';
import { endedExecution } from './execution.fixture.js';
import { ExecutionRecord, ExecutionSchema } from './execution.schema.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const model = database.connection.model(ExecutionRecord.name, ExecutionSchema);
const lists = new ExecutionListsRepository(model);

const DAY = 86_400_000;
const OFTEN = firstUuidAt(1);
const SELDOM = firstUuidAt(2);
const LONG_AGO = firstUuidAt(3);

/** Newest first: a busy minute, a quieter day before it, and years with little. */
const stored = executionsOf([
  { count: 1_400, from: 0, every: 40 },
  { count: 600, from: DAY, every: 2_000 },
  { count: 300, from: 400 * DAY, every: DAY },
]);

beforeAll(async () => {
  await database.open();
  await model.deleteMany({});
  await database.connection.collection<ExecutionRecord>(model.collection.name).insertMany(stored);
});

afterAll(() => database.close());

describe('ExecutionListsRepository', () => {
  const filters: [string, ExecutionFilter][] = [
    ['all', {}],
    ['a pipeline that runs often', { pipelineId: OFTEN }],
    ['a pipeline that runs seldom', { pipelineId: SELDOM }],
    ['a pipeline that ran long ago', { pipelineId: LONG_AGO }],
    ['a frequent status', { status: 'success' }],
    ['a rare status', { status: 'timeout' }],
    ['one of two statuses', { status: ['timeout', 'cancelled'] }],
    ['a branch', { branch: 'main' }],
    ['a rare branch', { branch: 'rare' }],
    ['pipeline and status', { pipelineId: OFTEN, status: 'failed' }],
    ['status and branch', { status: 'success', branch: 'rare' }],
    ['one of two statuses, and a branch', { status: ['timeout', 'failed'], branch: 'main' }],
    ['pipeline, status and branch', { pipelineId: OFTEN, status: 'failed', branch: 'main' }],
    ['pipeline and branch', { pipelineId: SELDOM, branch: 'main' }],
    ['nothing', { branch: 'no-such-branch' }],
  ];

  it.each(filters)(
    'gives every execution once and newest first, page by page: %s',
    async (_name, filter) => {
      const expected = stored.filter((each) => matches(each, filter)).map(({ _id }) => _id);
      const seen: string[] = [];
      for (let before: string | undefined; ; before = seen.at(-1)) {
        const page = await lists.list(filter, 150, before);
        seen.push(...page.map(({ _id }) => _id));
        if (page.length < 150) break;
      }
      expect(seen).toEqual(expected);
    },
  );

  it('gives lists while their index is not there yet', async () => {
    const list = () => lists.list({ branch: 'rare' }, 5, undefined);
    const indexed = await list();
    const index = 'trigger_info.branch_1__id_-1';
    await model.collection.dropIndex(index);
    expect(await list()).toEqual(indexed);
    await model.createIndexes();
    expect(await list()).toEqual(indexed);
  });

  it('gives a summary and no more', async () => {
    const [first] = await lists.list({ pipelineId: OFTEN }, 1, undefined);
    expect(Object.keys(first ?? {}).sort()).toEqual(
      'attempt commit created_at duration finished_at _id number pipeline_id pipeline_name pipeline_version reason rerun_of started_at status trigger_info updated_at'
        .split(' ')
        .sort(),
    );
  });
});

function matches(execution: ExecutionRecord, { pipelineId, status, branch }: ExecutionFilter) {
  return (
    (pipelineId === undefined || execution.pipeline_id === pipelineId) &&
    (status === undefined || [status].flat().includes(execution.status)) &&
    (branch === undefined || execution.trigger_info.branch === branch)
  );
}

function executionsOf(
  phases: readonly { readonly count: number; readonly from: number; readonly every: number }[],
): ExecutionRecord[] {
  const now = Date.now();
  const executions: ExecutionRecord[] = [];
  for (const { count, from, every } of phases) {
    for (let i = 0; i < count; i++) {
      const created_at = new Date(now - from - i * every);
      const n = executions.length;
      const status = n % 97 === 0 ? 'timeout' : n % 11 === 0 ? 'failed' : 'success';
      const pipeline_id = from > DAY && i % 3 === 0 ? LONG_AGO : n % 40 === 0 ? SELDOM : OFTEN;
      executions.push(
        endedExecution(status, {
          _id: `${firstUuidAt(created_at.getTime()).slice(0, -12)}${String(n).padStart(12, '0')}`,
          created_at,
          pipeline_id,
          trigger_info: {
            trigger_type: 'manual',
            triggered_by: 'test',
            timestamp: created_at,
            branch: n % 61 === 0 ? 'rare' : 'main',
          },
        }),
      );
    }
  }
  return executions;
}

describe('executions that wait', () => {
  const collection = database.connection.collection<ExecutionRecord>(model.collection.name);
  const [due, later, over, running] = [10, 11, 12, 13].map((n) => firstUuidAt(n));

  beforeAll(async () => {
    const at = (_id: string | undefined, changes: Partial<ExecutionRecord>) => ({
      ...endedExecution('failed'),
      ...{ _id: _id ?? '', number: null, keeps_workspace: true as const, ...changes },
    });
    await collection.insertMany([
      at(due, { status: 'waiting', waits_until: new Date(1_000) }),
      at(later, { status: 'waiting', waits_until: new Date(3_000) }),
      at(over, { status: 'cancelled' }),
      at(running, { status: 'running', waits_until: new Date(1_000) }),
    ]);
  });

  it('are looked at once they are due', async () => {
    expect(await lists.dueWaiting(new Date(2_000), 10)).toEqual([due]);
    expect(await lists.dueWaiting(new Date(3_000), 10)).toEqual([due, later]);
    expect(await lists.dueWaiting(new Date(3_000), 1)).toEqual([due]);
  });

  it('are found by pages with all that keep a workspace', async () => {
    const first = await lists.keepingWorkspaces(undefined, 3);
    expect(first.map(({ _id }) => _id)).toEqual([due, later, over]);
    expect(await lists.keepingWorkspaces(over, 3)).toEqual([{ _id: running, status: 'running' }]);
  });
});
