import { Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { AuditRetention } from './audit-retention.js';
import { AuditVerifier } from './audit-verifier.js';
import { AuditController } from './audit.controller.js';
import { AuditInterceptor } from './audit.interceptor.js';
import { Refusals } from './refusals.js';

/** API only: reads and verifies the audit, and keeps what requests do. */
@Module({
  controllers: [AuditController],
  providers: [
    AuditVerifier,
    AuditRetention,
    Refusals,
    { provide: APP_INTERCEPTOR, useClass: AuditInterceptor },
  ],
  exports: [Refusals],
})
export class AuditApiModule {}
