import { testServices } from '../../../test/support/services.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import {
  TEST_REPORT_MODEL,
  type TestReportDocument,
  testReportSchema,
} from './test-report.schema.js';
import { type CountedReport, TestReportsRepository } from './test-reports.repository.js';

jest.setTimeout(120_000);

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const model = database.connection.model<TestReportDocument>(TEST_REPORT_MODEL, testReportSchema);
const reports = new TestReportsRepository(model);

beforeAll(async () => {
  await database.open();
  await model.createIndexes();
});
afterAll(() => database.close());

it('gives the newest reports that count, one by one, with what is needed of them', async () => {
  const pipelineId = uuidV7();
  const store = async (day: number, change: Partial<TestReportDocument> = {}): Promise<void> => {
    const executionId = uuidV7();
    await reports.insert(
      {
        ...{ _id: `${executionId}/1/a`, execution_id: executionId, pipeline_id: pipelineId },
        ...{ stage: 's', step: 'x', execution_attempt: 1, attempt: 1, commit: 'c', is_fork: false },
        counts: { total: 1, passed: 1, failed: 0, error: 0, skipped: 0, flaky: 0 },
        ...{ failures: [], unlisted_failures: 0, slowest: [], outcomes: Buffer.from([day]) },
        created_at: new Date(Date.UTC(2026, 0, day)),
        ...change,
      },
      AbortSignal.timeout(60_000),
    );
  };
  for (const day of [2, 1, 3]) await store(day);
  await store(4, { is_fork: true });
  await store(5, { commit: null, is_fork: true });
  await store(6, { pipeline_id: uuidV7() });
  await store(7, { files: 0, problems: ['nothing fits *.xml'] });
  const found: CountedReport[] = [];
  for await (const report of reports.newestCounted(pipelineId, 2)) found.push(report);
  expect(found.map(({ outcomes }) => outcomes)).toEqual([Buffer.from([3]), Buffer.from([2])]);
  expect(found[0]).toMatchObject({ stage: 's', commit: 'c', created_at: new Date('2026-01-03') });
  expect(found[0]).not.toHaveProperty('failures');
});
