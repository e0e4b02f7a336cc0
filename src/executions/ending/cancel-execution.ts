import { Injectable, Logger } from '@nestjs/common';
import { isTerminal } from '../../engine/plan/run-status.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { CANCEL_TOPIC } from '../placement/execution-topics.js';
import type { CancelRequest, ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { EndExecution } from './end-execution.js';
import { cancelledSettlement } from './settlements.js';

/**
 * What became of a request to cancel: it is or will be `cancelled` and nothing else; it was over
 * before; there is no such execution.
 */
export type CancelResult =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'over'; readonly status: ExecutionRecord['status'] }
  | { readonly kind: 'not_found' };

/** The one way to end an execution before its end, whoever asks for it. */
@Injectable()
export class CancelExecution {
  private readonly logger = new Logger(CancelExecution.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly endings: EndExecution,
    private readonly bus: EventBus,
  ) {}

  /**
   * When it returns `cancelled`, that holds also if the last step ends at this moment. Rejects with
   * the database.
   */
  async cancel(id: string, request: CancelRequest): Promise<CancelResult> {
    const execution = await this.executions.requestCancel(id, request);
    if (!execution) return { kind: 'not_found' };
    if (isTerminal(execution.status)) {
      // The worker may have ended it for this very request before it was read back.
      const isOurs = execution.cancel_requested?.at.getTime() === request.at.getTime();
      return isOurs ? { kind: 'cancelled' } : { kind: 'over', status: execution.status };
    }
    const isPending =
      execution.status !== 'running' &&
      (await this.endings.end({ executionId: id }, cancelledSettlement(execution))) === 'ended';
    if (!isPending) {
      await this.bus.publish(CANCEL_TOPIC, id).catch((error: unknown) => {
        this.logger.debug({ err: error, executionId: id }, 'the worker reads the cancel in time');
      });
    }
    return { kind: 'cancelled' };
  }
}
