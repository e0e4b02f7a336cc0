import { standIn } from '../../../test/support/stand-in.js';
import { firstUuidAt } from '../../common/ids/uuid.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { ExecutionRecord } from '../../executions/record/execution.schema.js';
import type { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { CommitStatusDocument } from './commit-status.schema.js';
import type { CommitStatusesRepository } from './commit-statuses.repository.js';
import { StatusReporter } from './status-reporter.js';

const DAY_MS = 24 * 3_600_000;

describe('StatusReporter', () => {
  let status: CommitStatusDocument;
  let execution: ExecutionRecord | undefined;
  let told: string[];
  let reporter: StatusReporter;

  const begin = (acceptedAt: number): void => {
    status = {
      _id: 's',
      repository_id: 'r',
      commit: 'c',
      context: 'millrace/shop',
      execution_id: firstUuidAt(acceptedAt),
      fixed: null,
      sent: null,
      done: false,
      due: new Date(0),
      tries: 0,
      problem: null,
    };
  };

  beforeEach(() => {
    told = [];
    execution = undefined;
    reporter = new StatusReporter(
      standIn<CommitStatusesRepository>({
        due: async () => (status.done || status.due.getTime() > Date.now() ? [] : [status]),
        claim: async () => true,
        note: async (_seen, change) => void (status = { ...status, ...change }),
      }),
      standIn<ExecutionsRepository>({
        find: (async () => execution) as unknown as ExecutionsRepository['find'],
      }),
      standIn<RepositoriesService>({
        find: (async () => ({ _id: 'r' })) as unknown as RepositoriesService['find'],
        atForge: (async () => void told.push('told')) as unknown as RepositoriesService['atForge'],
      }),
      standIn<MillraceConfig>({}),
    );
  });

  it('waits for an execution that is accepted after its status was wanted', async () => {
    begin(Date.now());
    await reporter.round();
    expect(status).toMatchObject({ done: false, sent: null });
    execution = { status: 'success', reason: null, duration: 1 } as unknown as ExecutionRecord;
    status = { ...status, due: new Date(0) };
    await reporter.round();
    expect(told).toEqual(['told']);
    expect(status).toMatchObject({ done: true, sent: { state: 'success' } });
  });

  it('looks for it ever more rarely, and not for ever', async () => {
    begin(Date.now() - DAY_MS);
    await reporter.round();
    expect(status.done).toBe(false);
    expect(status.due.getTime()).toBeGreaterThan(Date.now() + DAY_MS / 11);
    begin(Date.now() - 15 * DAY_MS);
    await reporter.round();
    expect(status).toMatchObject({ done: true, problem: 'nothing is left of it' });
  });
});
