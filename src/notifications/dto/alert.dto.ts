import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../common/http/paging.js';
import { SERVICE_STATUSES } from '../../service-registry/checks/service-status.js';
import {
  type Alert,
  DELIVERY_STATES,
  type ExecutionAlert,
  type ServiceAlert,
} from '../alerts/alert.js';
import { TOLD_ENDS } from '../alerts/told-end.js';
import { alertBody, executionAlertBody } from '../delivery/alert-body.js';

const date = { type: String, format: 'date-time' } as const;
const nullableDate = { ...date, nullable: true } as const;
const OF = ['service', 'monitor'] as const;

/** Which alerts. */
export class AlertQuery extends PageQuery {
  @ApiPropertyOptional({
    enum: OF,
    default: 'service',
    description: '`monitor`: those of the monitor that looks after the service.',
  })
  @MayBeAbsent()
  @IsIn(OF)
  of?: (typeof OF)[number];
}

export class AlertReasonResponse {
  @ApiProperty({ example: 'endpoints_failed', description: 'docs/reasons.md explains each.' })
  code!: string;

  @ApiProperty({ example: 'all endpoints fail; http://shop.example/: no answer within 5 s' })
  message!: string;
}

/** An alert on its way by one channel. */
export class AlertDeliveryResponse {
  @ApiProperty({ example: 'on-call' })
  channel!: string;

  @ApiProperty({ example: 'webhook' })
  type!: string;

  @ApiProperty({
    enum: DELIVERY_STATES,
    description: '`failed`: it was given up; `skipped`: of ends that it is not told of.',
  })
  state!: string;

  @ApiProperty({ type: 'integer' })
  attempts!: number;

  @ApiProperty(nullableDate)
  tried_at!: Date | null;

  @ApiProperty({ ...nullableDate, description: 'When it is tried next.' })
  next_at!: Date | null;

  @ApiProperty({
    type: AlertReasonResponse,
    nullable: true,
    description: 'Why the last try failed, or why it is skipped.',
  })
  reason!: AlertReasonResponse | null;
}

export class AfterDeploymentResponse {
  @ApiProperty({ format: 'uuid' })
  deployment_id!: string;

  @ApiProperty({ ...date, description: 'When it began to serve.' })
  at!: Date;

  @ApiProperty({ type: 'integer', description: 'From then to the change.' })
  seconds!: number;
}

export class FollowerResponse {
  @ApiProperty({ example: 'production/web' })
  service!: string;

  @ApiProperty({ enum: SERVICE_STATUSES })
  status!: string;

  @ApiProperty(date)
  at!: Date;
}

/** What was told of one change, and to whom. */
export class AlertResponse {
  @ApiProperty({ description: 'The same for every try.' })
  id!: string;

  @ApiProperty({ enum: OF })
  kind!: string;

  @ApiProperty({ example: 'production/shop', description: 'Of a monitor its name.' })
  service!: string;

  @ApiProperty({ enum: SERVICE_STATUSES, type: String, nullable: true })
  from!: string | null;

  @ApiProperty({ enum: SERVICE_STATUSES })
  status!: string;

  @ApiProperty({ ...date, description: 'Since when it is so.' })
  at!: Date;

  @ApiProperty({ type: AlertReasonResponse })
  reason!: AlertReasonResponse;

  @ApiProperty({
    type: AfterDeploymentResponse,
    nullable: true,
    description: 'The deployment that serves, if it was switched to within the hour before.',
  })
  after_deployment!: AfterDeploymentResponse | null;

  @ApiProperty({
    type: [String],
    description: 'Services that it needs, which did not run, and of which nobody was told.',
  })
  caused_by!: string[];

  @ApiProperty({
    type: [FollowerResponse],
    description: 'Services that need this one and were down as well: they have no alert.',
  })
  followers!: FollowerResponse[];

  @ApiProperty({ type: [AlertDeliveryResponse] })
  deliveries!: AlertDeliveryResponse[];
}

export function alertResponse(alert: ServiceAlert): AlertResponse {
  const { caused_by: causes, followers, ...body } = alertBody(alert);
  return {
    ...body,
    ...{ caused_by: [...causes], followers: [...followers] },
    deliveries: deliveriesOf(alert),
  };
}

function deliveriesOf({ deliveries }: Alert): AlertDeliveryResponse[] {
  return deliveries.map((one) => {
    const { name: channel, type, state, attempts, tried_at, next_at, reason } = one;
    return { channel, type, state, attempts, tried_at, next_at, reason };
  });
}

export class ToldPipelineResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'build', description: 'As it was called then.' })
  name!: string;
}

export class FirstFailureResponse {
  @ApiProperty({ example: 'test' })
  stage!: string;

  @ApiProperty({ example: 'unit tests' })
  step!: string;
}

/** What was told of the end of one execution, and to whom. */
export class ExecutionAlertResponse {
  @ApiProperty({ description: 'The same for every try.' })
  id!: string;

  @ApiProperty({ enum: ['execution'] })
  kind!: string;

  @ApiProperty({ type: ToldPipelineResponse })
  pipeline!: ToldPipelineResponse;

  @ApiProperty({ format: 'uuid' })
  execution_id!: string;

  @ApiProperty({ type: 'integer', nullable: true, description: 'Counted for each pipeline.' })
  number!: number | null;

  @ApiProperty({ type: 'integer', description: 'How often a worker has taken it.' })
  attempt!: number;

  @ApiProperty({ type: String, nullable: true })
  branch!: string | null;

  @ApiProperty({ type: String, nullable: true })
  tag!: string | null;

  @ApiProperty({ type: String, nullable: true })
  commit!: string | null;

  @ApiProperty({ example: 'failed' })
  status!: string;

  @ApiProperty({
    enum: TOLD_ENDS,
    isArray: true,
    description: 'What of this channels may hear of; none: nobody hears of such an end.',
  })
  events!: string[];

  @ApiProperty({ ...date, description: 'When it ended.' })
  at!: Date;

  @ApiProperty({ type: AlertReasonResponse, nullable: true })
  reason!: AlertReasonResponse | null;

  @ApiProperty({
    type: FirstFailureResponse,
    nullable: true,
    description: 'Where it failed first.',
  })
  failure!: FirstFailureResponse | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Milliseconds.' })
  duration!: number | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Of the execution; null where PUBLIC_URL is not set.',
  })
  url!: string | null;

  @ApiProperty({ type: [AlertDeliveryResponse] })
  deliveries!: AlertDeliveryResponse[];
}

/** @param publicUrl of the installation, if it knows that */
export function executionAlertResponse(
  alert: ExecutionAlert,
  publicUrl: string | undefined,
): ExecutionAlertResponse {
  const { events, ...body } = executionAlertBody(alert, publicUrl);
  return { ...body, events: [...events], deliveries: deliveriesOf(alert) };
}
