import type { RunStatus } from '../../engine/plan/run-state.js';
import type { ServiceStatus } from '../../service-registry/checks/service-status.js';
import type { ToldEnd } from './told-end.js';

/** Why; `message` is short. */
export interface AlertReason {
  readonly code: string;
  readonly message: string;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'failed', 'skipped'] as const;
/** `failed`: nothing more is tried; `skipped`: nothing ever was. */
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
  /** Of the last try that failed, or why it is skipped. It never holds a URL, header or token. */
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

interface AnyAlert {
  /** {@link alertId}, {@link monitorAlertId} or {@link executionAlertId}. */
  readonly _id: string;
  /** UUID of the service or the pipeline, or {@link monitorSubject}. */
  readonly subject: string;
  /** When it became so. */
  readonly at: Date;
  readonly deliveries: readonly Delivery[];
  /** When something of it is to be sent; null: all of it is over. */
  readonly due_at: Date | null;
  readonly created_at: Date;
  /** Rises with every change. */
  readonly version: number;
}

/** What is told of one change of a service, with its way to everybody. */
export interface ServiceAlert extends AnyAlert {
  readonly kind: 'service' | 'monitor';
  /** `environment/name`; of a monitor the name of its shard. */
  readonly service: string;
  readonly from: ServiceStatus | null;
  readonly to: ServiceStatus;
  readonly reason: AlertReason;
  readonly after_deployment: AfterDeployment | null;
  /** Ids of services that it needs and that were down, though nobody is told of them. */
  readonly caused_by: readonly string[];
  /** What followed from it. */
  readonly followers: readonly Follower[];
}

/** How an execution of a pipeline has ended, as people are told. */
export interface ToldExecution {
  readonly id: string;
  /** Counted for each pipeline; null: it has none. */
  readonly number: number | null;
  /** How often a worker has taken it. */
  readonly attempt: number;
  readonly pipeline_name: string;
  readonly branch: string | null;
  readonly tag: string | null;
  readonly commit: string | null;
  readonly status: RunStatus;
  /** What of this channels may hear of; none: nobody hears of such an end. */
  readonly events: readonly ToldEnd[];
  /** Where it failed first. */
  readonly failure: { readonly stage: string; readonly step: string } | null;
  /** ms from its begin to its end; null: it never began. */
  readonly duration: number | null;
}

/** What is told of the end of one execution, with its way to everybody. */
export interface ExecutionAlert extends AnyAlert {
  readonly kind: 'execution';
  /** Null: nothing is to be said about it. */
  readonly reason: AlertReason | null;
  readonly execution: ToldExecution;
}

/** What is told, with its way to everybody. */
export type Alert = ServiceAlert | ExecutionAlert;

export function isOfExecution(alert: Alert): alert is ExecutionAlert {
  return alert.kind === 'execution';
}

export function isOfService(alert: Alert): alert is ServiceAlert {
  return !isOfExecution(alert);
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

/** In the order of the ends; it follows from the execution alone. */
export function executionAlertId(pipelineId: string, end: Date, executionId: string): string {
  return `${pipelineId}:${String(end.getTime()).padStart(16, '0')}:${executionId}`;
}

/** With other deliveries, and when the next of them is due. */
export function withDeliveries<A extends Alert>(alert: A, deliveries: readonly Delivery[]): A {
  return { ...alert, deliveries, due_at: dueOf(deliveries) };
}

export function dueOf(deliveries: readonly Delivery[]): Date | null {
  const times = deliveries.flatMap(({ state, next_at: at }) =>
    state === 'pending' && at ? [at.getTime()] : [],
  );
  return times.length === 0 ? null : new Date(Math.min(...times));
}
