import { standIn } from '../../../test/support/stand-in.js';
import type { Changed } from '../../common/audit/changed.js';
import type { DeliveriesRepository } from './deliveries.repository.js';
import type { DeliveryDocument, StoredDecision } from './delivery.schema.js';
import { DeliveryApprovals } from './delivery-approvals.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { DeliveryJobs } from './delivery-jobs.js';
import { decisionsOf } from './dto/delivery.response.js';

const ID = '0190a0b0-0000-7000-8000-000000000001';
const PIPELINE = '0190a0b0-0000-7000-8000-00000000000a';
const COMMIT = 'a'.repeat(40);
const waits: StoredDecision = {
  pipeline_id: PIPELINE,
  pipeline_name: 'shop',
  path: '.millrace.yml',
  version: 1,
  starts: false,
  reason: {
    code: 'fork_needs_approval',
    message: 'needs an approval',
    data: { commit: COMMIT, author_user_id: 'eve' },
  },
  parts: [],
  rules: [],
  execution_id: null,
};

describe('the approval of a run', () => {
  let delivery: DeliveryDocument;
  let offered: string[];
  let approvals: DeliveryApprovals;
  let approvers: readonly string[] | undefined;

  beforeEach(() => {
    delivery = {
      _id: ID,
      status: 'done',
      repository_id: ID,
      decisions: JSON.stringify([waits]),
    } as unknown as DeliveryDocument;
    offered = [];
    approvers = undefined;
    approvals = new DeliveryApprovals(
      standIn<DeliveriesRepository>({
        find: async (id) => (id === ID ? delivery : undefined),
        redecide: async (seen, decisions) => {
          if (seen.decisions !== delivery.decisions) return false;
          delivery = { ...delivery, status: 'decided', decisions };
          return true;
        },
      }),
      standIn<DeliveryJobs>({ offer: async (id) => void offered.push(id) }),
      standIn<RepositoriesService>({
        find: async () => ({ fork_approvers: approvers }) as RepositoryDocument,
      }),
    );
  });

  const request = { pipelineId: PIPELINE, commit: COMMIT };
  const approve = (by = 'ada', change = {}): Promise<Changed<string>> =>
    approvals.approve(ID, { ...request, ...change }, { id: by, name: `${by}!` });

  it('starts it, and says who approved which commit', async () => {
    const { value: executionId } = await approve();
    expect(delivery.status).toBe('decided');
    expect(offered).toEqual([ID]);
    expect(decisionsOf(delivery)).toMatchObject([
      {
        starts: true,
        execution_id: executionId,
        reason: {
          code: 'fork_approved',
          message: 'ada! has approved the run of commit aaaaaaaaaaaa.',
          data: { commit: COMMIT, approved_by: 'ada', author_user_id: 'eve' },
        },
      },
    ]);
  });

  it('of two at once is one execution, that one of them has approved', async () => {
    const both = await Promise.all([approve('ada'), approve('bob')]);
    const [{ value }] = both;
    expect(both.map((each) => each.value)).toEqual([value, value]);
    expect(both.filter(({ isChanged }) => isChanged)).toHaveLength(1);
    expect(await approve('ada')).toEqual({ value, isChanged: false });
  });

  it('is for those whom the connection names, if it names some', async () => {
    approvers = ['bob'];
    await expect(approve('ada')).rejects.toMatchObject({ kind: 'AuthorizationError' });
    expect(decisionsOf(delivery)).toEqual([waits]);
    await approve('bob');
    expect(decisionsOf(delivery)).toMatchObject([{ starts: true }]);
  });

  it('of the author is refused', async () => {
    await expect(approve('eve')).rejects.toMatchObject({ kind: 'AuthorizationError' });
    expect(offered).toEqual([]);
  });

  it('of another commit is refused', async () => {
    await expect(approve('ada', { commit: 'b'.repeat(40) })).rejects.toMatchObject({
      kind: 'ConflictError',
      details: { commit: COMMIT },
    });
  });

  it.each(['trigger_accepted', 'fork_refused', 'trigger_no_match'])(
    'is refused where nothing waits for it: %s',
    async (code) => {
      const decision = { ...waits, reason: { ...waits.reason, code } };
      delivery = { ...delivery, decisions: JSON.stringify([decision]) };
      await expect(approve()).rejects.toMatchObject({ kind: 'ConflictError' });
    },
  );

  it('of what is not there is refused', async () => {
    const nothing = { kind: 'NotFoundError' };
    await expect(approve('ada', { pipelineId: ID })).rejects.toMatchObject(nothing);
    await expect(approvals.approve(PIPELINE, request, { id: 'ada' })).rejects.toMatchObject(
      nothing,
    );
  });
});
