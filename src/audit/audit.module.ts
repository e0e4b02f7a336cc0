import { Global, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { Audit } from '../common/audit/audit.js';
import { AuditLog } from './audit-log.js';
import { AuditStore } from './audit-store.js';
import { AuditRepository } from './audit.repository.js';
import {
  AUDIT_ANCHOR_MODEL,
  AUDIT_RECORD_MODEL,
  auditAnchorSchema,
  auditRecordSchema,
} from './audit.schema.js';

/**
 * Global, in every process: `Audit`. It stands behind the module of the database, so that it ends
 * before that: what was noted is stored.
 */
@Global()
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: AUDIT_RECORD_MODEL, schema: auditRecordSchema },
      { name: AUDIT_ANCHOR_MODEL, schema: auditAnchorSchema },
    ]),
  ],
  providers: [
    { provide: AuditStore, useClass: AuditRepository },
    { provide: Audit, useClass: AuditLog },
  ],
  exports: [Audit, AuditStore],
})
export class AuditModule {}
