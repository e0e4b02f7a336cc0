import type { Collection, Connection, Model } from 'mongoose';
import { standIn } from '../../../test/support/stand-in.js';
import type { TestReportDocument } from './test-report.schema.js';
import { TestReportsRepository } from './test-reports.repository.js';

it('waits for a database that is away no longer than the signal says', async () => {
  const away = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  const collection = standIn<Collection>({ insertOne: () => Promise.reject(away) });
  const db = standIn<Connection>({ collection: () => collection as never });
  const model = { db, collection: { name: 'test_reports' } };
  const reports = new TestReportsRepository(model as unknown as Model<TestReportDocument>);
  const insert = reports.insert({} as TestReportDocument, AbortSignal.timeout(30));
  await expect(insert).rejects.toThrow('EPIPE');
});
