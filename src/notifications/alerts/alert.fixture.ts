import { uuidV7 } from '../../common/ids/uuid.js';
import {
  alertId,
  type Delivery,
  dueOf,
  type ExecutionAlert,
  executionAlertId,
  type ServiceAlert,
} from './alert.js';

/** A delivery of a spec. */
export function newDelivery(more: Partial<Delivery> = {}): Delivery {
  return {
    ...{ channel: 'c:ops', name: 'ops', type: 'webhook', state: 'pending', attempts: 0 },
    ...{ next_at: new Date(0), tried_at: null, reason: null, ...more },
  };
}

/** An alert of a spec. */
export function newAlert(seq = 1, more: Partial<ServiceAlert> = {}): ServiceAlert {
  const { subject = uuidV7(), deliveries = [newDelivery()] } = more;
  return {
    ...{ _id: alertId(subject, seq), subject, kind: 'service', service: 'default/shop' },
    ...{ from: 'running', to: 'failed', at: new Date(1_000), caused_by: [], followers: [] },
    ...{ reason: { code: 'endpoints_failed', message: 'all endpoints fail' } },
    ...{ after_deployment: null, deliveries, due_at: dueOf(deliveries) },
    ...{ created_at: new Date(2_000), version: 1, ...more },
  };
}

/** An alert of an execution that has failed, of a spec. */
export function newExecutionAlert(more: Partial<ExecutionAlert> = {}): ExecutionAlert {
  const { subject = uuidV7(), at = new Date(1_000), deliveries = [newDelivery()] } = more;
  const id = more.execution?.id ?? uuidV7();
  return {
    ...{ _id: executionAlertId(subject, at, id), subject, kind: 'execution', at },
    reason: { code: 'exit_code', message: 'the command ended with exit code 1' },
    execution: {
      ...{ id, number: 7, attempt: 1, pipeline_name: 'build', branch: 'main', tag: null },
      ...{ commit: 'c0ffee', status: 'failed', events: ['failure'], duration: 61_400 },
      failure: { stage: 'test', step: 'unit' },
    },
    ...{ deliveries, due_at: dueOf(deliveries), created_at: new Date(2_000), version: 1, ...more },
  };
}
