import { uuidV7 } from '../../common/ids/uuid.js';
import { type Alert, alertId, type Delivery, dueOf } from './alert.js';

/** A delivery of a spec. */
export function newDelivery(more: Partial<Delivery> = {}): Delivery {
  return {
    ...{ channel: 'c:ops', name: 'ops', type: 'webhook', state: 'pending', attempts: 0 },
    ...{ next_at: new Date(0), tried_at: null, reason: null, ...more },
  };
}

/** An alert of a spec. */
export function newAlert(seq = 1, more: Partial<Alert> = {}): Alert {
  const { subject = uuidV7(), deliveries = [newDelivery()] } = more;
  return {
    ...{ _id: alertId(subject, seq), subject, kind: 'service', service: 'default/shop' },
    ...{ from: 'running', to: 'failed', at: new Date(1_000), caused_by: [], followers: [] },
    ...{ reason: { code: 'endpoints_failed', message: 'all endpoints fail' } },
    ...{ after_deployment: null, deliveries, due_at: dueOf(deliveries) },
    ...{ created_at: new Date(2_000), version: 1, ...more },
  };
}
