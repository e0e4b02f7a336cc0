import { standIn } from '../../../test/support/stand-in.js';
import type { TestOutcome } from '../../common/junit/test-case.js';
import { packOutcomes, unpackedBytes } from './case-outcomes.js';
import { PipelineTestsService } from './pipeline-tests.js';
import type { CountedReport, TestReportsRepository } from './test-reports.repository.js';

async function report(day: number, outcome: TestOutcome, name = 'n'): Promise<CountedReport> {
  const one = { suite: 's', className: 'c', name, outcome, tries: [outcome] };
  return {
    ...{ pipeline_id: 'p', stage: 'test', step: 'unit', commit: 'a'.repeat(40), is_fork: false },
    ...{ execution_id: `e${day}`, execution_attempt: 1, attempt: 1 },
    created_at: new Date(Date.UTC(2026, 0, day)),
    outcomes: await packOutcomes([one]),
  };
}

function service(reports: readonly CountedReport[]): PipelineTestsService {
  return new PipelineTestsService(
    standIn<TestReportsRepository>({
      newestCounted: async function* () {
        yield* reports;
      },
    }),
  );
}

describe('PipelineTestsService', () => {
  it('says what has failed and passed at one commit', async () => {
    const tests = await service([await report(2, 'passed'), await report(1, 'failed')]).of('p');
    expect(tests).toMatchObject({
      ...{ reports: 2, since: new Date('2026-01-01') },
      flaky: [{ name: 'n', failed: 1, passed: 1 }],
    });
  });

  it('unpacks no more than so many bytes, and leaves out what does not fit', async () => {
    const huge = await report(3, 'failed', 'x'.repeat(100_000));
    const [first, second] = [await report(2, 'passed'), await report(1, 'failed')];
    const both = unpackedBytes(first.outcomes) + unpackedBytes(second.outcomes);
    const reports = service([huge, first, second]);
    expect(await reports.of('p', both)).toMatchObject({ reports: 2, flaky: [{ name: 'n' }] });
    expect(await reports.of('p', both - 1)).toMatchObject({ reports: 1, flaky: [] });
  });
});
