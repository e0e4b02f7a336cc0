import type { ServiceStatus } from '../../service-registry/checks/service-status.js';

/** Why; `message` is short. */
export interface AlertReason {
  readonly code: string;
  readonly message: string;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
/** `failed`: nothing more is tried. */
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** One alert on its way by one channel. */
export interface Delivery {
  /** Id of the channel. */
  readonly channel: string;
  readonly name: string;
  readonly type: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** When it is tried next; null: never again. */
  readonly next_at: Date | null;
  /** When it was tried last; null: it was not. */
  readonly tried_at: Date | null;
  /** Of the last try that failed. It never holds a URL, header or token. */
  readonly reason: AlertReason | null;
}

/** A service that was down as well, of which nothing is told by itself. */
export interface Follower {
  readonly service: string;
  readonly status: ServiceStatus;
  readonly at: Date;
}

/** The deployment that made serve what serves, shortly before a change. */
export interface AfterDeployment {
  readonly deployment_id: string;
  /** When it was switched to. */
  readonly at: Date;
  /** From then to the change. */
  readonly seconds: number;
}

/** What is told of one change, with its way to everybody. */
export interface Alert {
  /** {@link alertId}; of a monitor {@link monitorAlertId}. */
  readonly _id: string;
  /** UUID of the service, or {@link monitorSubject}. */
  readonly subject: string;
  readonly kind: 'service' | 'monitor';
  /** `environment/name`; of a monitor the name of its shard. */
  readonly service: string;
  readonly from: ServiceStatus | null;
  readonly to: ServiceStatus;
  /** When it became so. */
  readonly at: Date;
  readonly reason: AlertReason;
  readonly after_deployment: AfterDeployment | null;
  /** Ids of services that it needs and that were down, though nobody is told of them. */
  readonly caused_by: readonly string[];
  /** What followed from it. */
  readonly followers: readonly Follower[];
  readonly deliveries: readonly Delivery[];
  /** When something of it is to be sent; null: all of it is over. */
  readonly due_at: Date | null;
  readonly created_at: Date;
  /** Rises with every change. */
  readonly version: number;
}

/** Followers that an alert names, at most. */
export const MOST_FOLLOWERS = 100;

export function alertId(subject: string, seq: number): string {
  return `${subject}:${String(seq).padStart(10, '0')}`;
}

/** Behind the alert that it has failed, and before that of the next change. */
export function leftAlertId(subject: string, seq: number, attempt: number): string {
  return `${alertId(subject, seq)}:left:${String(attempt).padStart(5, '0')}`;
}

export function monitorSubject(shard: string): string {
  return `monitor:${shard}`;
}

/** @param since when nobody looked any more, milliseconds since 1970 */
export function monitorAlertId(shard: string, since: number, part: 'lost' | 'back'): string {
  const order = part === 'lost' ? '0' : '1';
  return `${monitorSubject(shard)}:${String(since).padStart(16, '0')}:${order}`;
}

/** With other deliveries, and when the next of them is due. */
export function withDeliveries(alert: Alert, deliveries: readonly Delivery[]): Alert {
  return { ...alert, deliveries, due_at: dueOf(deliveries) };
}

export function dueOf(deliveries: readonly Delivery[]): Date | null {
  const times = deliveries.flatMap(({ state, next_at: at }) =>
    state === 'pending' && at ? [at.getTime()] : [],
  );
  return times.length === 0 ? null : new Date(Math.min(...times));
}
