import { standIn } from '../../../test/support/stand-in.js';
import type { DeliveryDocument } from './delivery.schema.js';
import type { CommitStatusDocument } from '../statuses/commit-status.schema.js';
import type { CommitStatusesRepository } from '../statuses/commit-statuses.repository.js';
import { SameCommitExecutions } from './same-commit.js';

const statuses = standIn<CommitStatusesRepository>({
  ofCommit: async (repositoryId, commit) =>
    repositoryId === 'r' && commit === 'c'
      ? ([
          { context: 'millrace/shop', execution_id: 'e1' },
          { context: 'millrace/shop/pr', execution_id: 'e2' },
          { context: 'millrace/docs/pr', execution_id: null },
        ] as CommitStatusDocument[])
      : [],
});

const delivery = (commit: string | null): DeliveryDocument =>
  ({
    repository_id: 'r',
    ...(commit !== null && { subject: { branch: 'main', tag: null, number: null, commit } }),
    decisions: JSON.stringify([
      { pipeline_name: 'shop', execution_id: 'e1', rules: [] },
      { pipeline_name: 'docs', execution_id: null, rules: [] },
    ]),
  }) as unknown as DeliveryDocument;

describe('what else ran for a commit', () => {
  const found = (commit: string | null): Promise<unknown> =>
    new SameCommitExecutions(statuses).of(delivery(commit));

  it('is what events of other kinds have started of the same pipeline', async () => {
    expect(await found('c')).toEqual([[{ event: 'pull_request', execution_id: 'e2' }], []]);
  });

  it('is nothing for another commit, and where the commit is not known', async () => {
    expect(await found('d')).toEqual([[], []]);
    expect(await found(null)).toEqual([]);
  });
});
