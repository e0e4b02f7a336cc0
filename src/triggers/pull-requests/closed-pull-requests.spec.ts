import { standIn } from '../../../test/support/stand-in.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import type {
  ExecutionListsRepository,
  ExecutionSummary,
} from '../../executions/record/execution-lists.repository.js';
import type { TriggerInfo } from '../../executions/record/execution.schema.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import type { DeliveriesRepository } from '../deliveries/deliveries.repository.js';
import type { DeliveryDocument, StoredDecision } from '../deliveries/delivery.schema.js';
import type { DeliveryJobs } from '../deliveries/delivery-jobs.js';
import { decisionsOf } from '../deliveries/dto/delivery.response.js';
import type { CancelForEvent } from '../supersede/cancel-for-event.js';
import { ClosedPullRequests } from './closed-pull-requests.js';

const AT = new Date('2026-11-20T12:00:00Z');
const EARLIER = new Date(AT.getTime() - 1000);
const LATER = new Date(AT.getTime() + 1000);

const decision = (code: string, number: number): StoredDecision => ({
  pipeline_id: 'p',
  pipeline_name: 'shop',
  path: null,
  version: 1,
  starts: false,
  reason: { code, message: code, data: { number, commit: 'c' } },
  parts: [],
  rules: [],
  execution_id: null,
});

const delivery = (id: string, at: Date, decisions: StoredDecision[] = []): DeliveryDocument =>
  ({
    _id: id,
    repository_id: 'r',
    event: 'pull_request',
    received_at: at,
    decisions: JSON.stringify(decisions),
  }) as unknown as DeliveryDocument;

interface Change {
  readonly at?: Date;
  readonly number?: number;
  readonly repository?: string;
  readonly info?: Partial<TriggerInfo>;
}

const execution = (id: string, status: RunStatus, change: Change = {}): ExecutionSummary =>
  ({
    _id: id,
    pipeline_id: 'p',
    pipeline_name: 'shop',
    pipeline_version: 1,
    status,
    created_at: change.at ?? EARLIER,
    trigger_info: {
      trigger_type: 'pull_request',
      event: { number: change.number ?? 5, repository_id: change.repository ?? 'r' },
      ...change.info,
    },
  }) as unknown as ExecutionSummary;

describe('a pull request that is closed', () => {
  let cancelled: string[];
  let offered: string[];
  let executions: ExecutionSummary[];
  let deliveries: DeliveryDocument[];
  let supersede: 'all' | 'waiting' | undefined;
  let closed: ClosedPullRequests;

  beforeEach(() => {
    cancelled = [];
    offered = [];
    executions = [];
    deliveries = [];
    supersede = undefined;
    closed = new ClosedPullRequests(
      standIn<ExecutionListsRepository>({ list: async () => executions }),
      standIn<PipelinesService>({
        getVersion: (async () => ({
          plan: { supersede },
        })) as unknown as PipelinesService['getVersion'],
      }),
      standIn<DeliveriesRepository>({
        list: async () => ({ items: deliveries, nextCursor: null }),
        redecide: async (seen, decisions) => {
          const index = deliveries.findIndex(({ _id: id }) => id === seen._id);
          deliveries[index] = { ...seen, decisions };
          return true;
        },
      }),
      standIn<DeliveryJobs>({ offer: async (id) => void offered.push(id) }),
      standIn<CancelForEvent>({
        cancel: async ({ _id: id }, { reason }) => void cancelled.push(`${id}: ${reason}`),
      }),
    );
  });

  const end = (own: string | null = null): Promise<void> =>
    closed.end({
      delivery: delivery('closing', AT),
      number: 5,
      decisions: [{ ...decision('trigger_no_match', 5), execution_id: own }],
    });

  it.each<[string, ExecutionSummary, boolean]>([
    ['is pending', execution('e', 'pending'), true],
    ['waits', execution('e', 'waiting'), true],
    ['runs', execution('e', 'running'), false],
    ['is over', execution('e', 'success'), false],
    ['is of another pull request', execution('e', 'pending', { number: 6 }), false],
    ['is of another repository', execution('e', 'pending', { repository: 's' }), false],
    ['came after the close', execution('e', 'pending', { at: LATER }), false],
    ['was run again by a person', execution('e', 'pending', { info: { rerun_of: 'd' } }), false],
    ['is of a push', execution('e', 'pending', { info: { trigger_type: 'push' } }), false],
  ])('an execution of it that %s', async (_name, one, isCancelled) => {
    executions = [one];
    await end();
    expect(cancelled).toEqual(isCancelled ? ['e: pull request 5 was closed'] : []);
  });

  it.each([
    ['all', true],
    ['waiting', false],
  ] as const)('an execution that runs, with supersede %s', async (which, isCancelled) => {
    supersede = which;
    executions = [execution('e', 'running')];
    await end();
    expect(cancelled).toHaveLength(isCancelled ? 1 : 0);
  });

  it('an execution that the close itself has started stays', async () => {
    executions = [execution('own', 'pending')];
    await end('own');
    expect(cancelled).toEqual([]);
  });

  it('is not approved any more, and says why', async () => {
    deliveries = [
      delivery('reopened', LATER, [decision('fork_needs_approval', 5)]),
      delivery('other', EARLIER, [decision('fork_needs_approval', 6)]),
      delivery('opened', EARLIER, [
        decision('trigger_no_match', 5),
        decision('fork_needs_approval', 5),
      ]),
    ];
    await end();
    const codes = deliveries.map((each) => decisionsOf(each).map(({ reason }) => reason.code));
    expect(codes).toEqual([
      ['fork_needs_approval'],
      ['fork_needs_approval'],
      ['trigger_no_match', 'pull_request_closed'],
    ]);
    expect(offered).toEqual(['opened']);
  });
});
