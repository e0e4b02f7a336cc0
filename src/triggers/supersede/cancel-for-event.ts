import { Injectable, Logger } from '@nestjs/common';
import { Audit, SYSTEM_ACTOR, type AuditDetails } from '../../common/audit/audit.js';
import { CancelExecution } from '../../executions/ending/cancel-execution.js';
import type { ExecutionSummary } from '../../executions/record/execution-lists.repository.js';

/** Why an event cancels an execution. */
export interface EventCancel {
  /** What has cancelled it, in the words of its reason. */
  readonly by: string;
  readonly reason: string;
  readonly details: AuditDetails;
}

/** Cancels executions because of what happened in their repository, and keeps that in the audit. */
@Injectable()
export class CancelForEvent {
  private readonly logger = new Logger(CancelForEvent.name);

  constructor(
    private readonly cancels: CancelExecution,
    private readonly audit: Audit,
  ) {}

  /** Idempotent; rejects with the database. */
  async cancel(
    { _id: id, pipeline_name: name }: Pick<ExecutionSummary, '_id' | 'pipeline_name'>,
    { by, reason, details }: EventCancel,
  ): Promise<void> {
    const result = await this.cancels.cancel(id, { at: new Date(), by, reason });
    this.logger.debug({ executionId: id, result }, reason);
    if (result.kind !== 'cancelled') return;
    const target = { kind: 'execution', id, name };
    this.audit.note({ action: 'executions.cancel', actor: SYSTEM_ACTOR, target, details });
  }
}
