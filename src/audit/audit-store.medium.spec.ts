import mongoose from 'mongoose';
import { testServices } from '../../test/support/services.js';
import { describeAuditStore } from './audit-store.contract.spec.js';
import { AuditRepository } from './audit.repository.js';
import {
  AUDIT_ANCHOR_MODEL,
  AUDIT_RECORD_MODEL,
  auditAnchorSchema,
  auditRecordSchema,
  type AuditAnchorDocument,
  type AuditRecordDocument,
} from './audit.schema.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const records = connection.model<AuditRecordDocument>(AUDIT_RECORD_MODEL, auditRecordSchema);
const anchors = connection.model<AuditAnchorDocument>(AUDIT_ANCHOR_MODEL, auditAnchorSchema);

beforeAll(async () => {
  await connection.asPromise();
  await records.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeAuditStore('AuditRepository', async () => {
  await records.deleteMany({});
  await anchors.deleteMany({});
  return new AuditRepository(records, anchors);
});
