import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { type NameRecord, recordOfNamed } from '../../common/values/name-record.js';
import { INSTANCE_CHECK_TYPES } from '../../engine/steps/deploy/deploy-action.js';
import { DEFAULT_CHECK } from '../checks/service-check.js';
import { windowAt } from '../record/maintenance.js';
import { serviceStopResponse, ServiceStopResponse } from './instance-request.dto.js';
import { maintenanceResponse, MaintenanceResponse } from './maintenance.dto.js';
import { portOf } from '../checks/endpoint-url.js';
import { SERVICE_STATUSES } from '../checks/service-status.js';
import type { CheckView, EndpointView, ServiceView } from '../service-view.js';

const date = { type: String, format: 'date-time' } as const;
const nullableDate = { ...date, nullable: true } as const;
const nullableText = { type: String, nullable: true } as const;

export class ServiceReasonResponse {
  @ApiProperty({ example: 'checks_pass', description: 'Stable; docs/reasons.md explains each.' })
  code!: string;

  @ApiProperty({ example: 'all endpoints pass' })
  message!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: Record<string, unknown>;
}

export class EndpointProblemResponse {
  @ApiProperty({ example: 'no_connection', description: 'Stable; docs/reasons.md explains each.' })
  code!: string;

  @ApiProperty({ example: 'no connection (ECONNREFUSED)' })
  message!: string;
}

/** Where a service answers. */
export class EndpointResponse {
  @ApiProperty({ example: 'https://shop.example/healthz' })
  url!: string;

  @ApiProperty({
    type: String,
    enum: ['starting', 'running', 'failed', 'unknown'],
    nullable: true,
    description: 'null: nothing asks it.',
  })
  status!: EndpointView['status'];

  @ApiProperty(nullableDate)
  since!: Date | null;

  @ApiProperty({ description: 'It changed between passing and failing too often.' })
  flapping!: boolean;

  @ApiProperty({
    type: EndpointProblemResponse,
    nullable: true,
    description: 'Its last bad answer since it last passed.',
  })
  problem!: EndpointProblemResponse | null;
}

/** How endpoints are looked at. */
export class ServiceCheckResponse {
  @ApiProperty()
  enabled!: boolean;

  @ApiProperty({ enum: ['GET', 'HEAD'] })
  method!: string;

  @ApiProperty(nullableText)
  path!: string | null;

  @ApiProperty({ type: [Number], description: 'None: 200 to 299.' })
  expected_status!: readonly number[];

  @ApiProperty(nullableText)
  body_contains!: string | null;

  @ApiProperty(nullableText)
  host!: string | null;

  @ApiProperty()
  follow_redirects!: boolean;

  @ApiProperty({ type: 'integer' })
  interval_seconds!: number;

  @ApiProperty()
  timeout_seconds!: number;

  @ApiProperty({ type: 'integer' })
  up!: number;

  @ApiProperty({ type: 'integer' })
  down!: number;
}

/** A check of the instance itself. */
export class InstanceCheckResponse {
  @ApiProperty({ example: 'queue-is-short' })
  name!: string;

  @ApiProperty({ enum: INSTANCE_CHECK_TYPES })
  type!: string;

  @ApiPropertyOptional({
    oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    description: 'Of `exec`: a line for `/bin/sh`, or a program and its arguments.',
  })
  command?: string | readonly string[];

  @ApiProperty()
  interval_seconds!: number;

  @ApiProperty()
  timeout_seconds!: number;

  @ApiProperty({
    description: 'False: somebody has asked for it, and its deployment does not say it.',
  })
  deployed!: boolean;

  @ApiProperty({
    type: String,
    enum: ['starting', 'running', 'failed', 'unknown'],
    nullable: true,
    description: '`running`: it passes; `unknown`: nobody could look; null: nothing is asked.',
  })
  status!: CheckView['status'];

  @ApiProperty(nullableDate)
  since!: Date | null;

  @ApiProperty({ description: 'It changed between passing and failing too often.' })
  flapping!: boolean;

  @ApiProperty({
    type: EndpointProblemResponse,
    nullable: true,
    description: 'What it said last, since it last passed; or why nobody could look.',
  })
  problem!: EndpointProblemResponse | null;
}

/** The service that is to be mended first. */
export class RootCauseResponse {
  @ApiProperty({ example: 'production/db' })
  service!: string;

  @ApiProperty({ enum: SERVICE_STATUSES })
  status!: string;

  @ApiProperty({ ...date, description: 'Since when it is so.' })
  since!: Date;

  @ApiProperty({ type: ServiceReasonResponse })
  reason!: ServiceReasonResponse;
}

/** A service that was deployed or registered. */
export class RemovalResponse {
  @ApiProperty({ format: 'uuid', description: 'Of the deployment that removes it' })
  deployment_id!: string;
}

export class ServiceResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'shop' })
  name!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({
    example: 'local_directory',
    description: 'By what it was deployed; `external`: it was registered only.',
  })
  service_type!: string;

  @ApiProperty({ ...nullableText, description: 'The first of `endpoints`.' })
  endpoint!: string | null;

  @ApiProperty({ ...nullableText, format: 'uuid', description: 'That made it serve.' })
  deployment_id!: string | null;

  @ApiProperty(nullableText)
  container_id!: string | null;

  @ApiProperty({ type: 'integer', nullable: true })
  process_id!: number | null;

  @ApiProperty({
    enum: SERVICE_STATUSES,
    description:
      '`degraded`: some endpoints fail, or one changes too often; `unknown`: nobody has looked.',
  })
  status!: string;

  @ApiProperty({ type: ServiceReasonResponse, description: 'Why it is so.' })
  reason!: ServiceReasonResponse;

  @ApiProperty({ ...date, description: 'Since when it is so.' })
  since!: Date;

  @ApiProperty({ type: [Number], description: 'Of its endpoints.' })
  ports!: number[];

  @ApiProperty(nullableDate)
  last_heartbeat!: Date | null;

  @ApiProperty({ type: 'integer', nullable: true, description: 'null: no heartbeat has to come.' })
  ttl_seconds!: number | null;

  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  metadata!: NameRecord<string>;

  @ApiProperty({ type: [String], example: ['web'] })
  tags!: readonly string[];

  @ApiProperty({ type: [String], example: ['production/db'] })
  dependencies!: readonly string[];

  @ApiProperty({
    type: RootCauseResponse,
    nullable: true,
    description: 'The one of its dependencies, or of theirs, that has been down for longest.',
  })
  root_cause!: RootCauseResponse | null;

  @ApiProperty({ type: MaintenanceResponse, nullable: true, description: 'null: it has none now.' })
  maintenance!: MaintenanceResponse | null;

  @ApiProperty({
    type: ServiceStopResponse,
    nullable: true,
    description: 'null: nobody has stopped it.',
  })
  stopped!: ServiceStopResponse | null;

  @ApiProperty({ type: [EndpointResponse] })
  endpoints!: EndpointResponse[];

  @ApiProperty({ type: ServiceCheckResponse })
  check!: ServiceCheckResponse;

  @ApiProperty({ type: [InstanceCheckResponse], description: 'Of its instance itself.' })
  checks!: InstanceCheckResponse[];

  @ApiProperty({ description: 'It was deployed by Millrace.' })
  deployed!: boolean;

  @ApiProperty({ ...nullableText, description: 'On which host it was deployed.' })
  host!: string | null;

  @ApiProperty(date)
  created_at!: Date;

  @ApiProperty(date)
  updated_at!: Date;
}

export function serviceResponse(view: ServiceView): ServiceResponse {
  const { watched, deployed, endpoints } = view;
  const urls = endpoints.map(({ url }) => url);
  const made = watched ? watched.created_at : deployed?.createdAt;
  const window = watched && windowAt(watched.maintenance, Date.now());
  const changed = watched ? watched.updated_at : deployed?.updatedAt;
  return {
    ...{ id: view.uuid, name: view.name, environment: view.environment },
    service_type: deployed?.type ?? 'external',
    endpoint: urls[0] ?? null,
    deployment_id: deployed?.deploymentId ?? null,
    container_id: deployed?.containerId ?? null,
    process_id: deployed?.processId ?? null,
    ...{ status: view.status, reason: view.reason, since: view.since },
    ports: [...new Set(urls.map(portOf))],
    last_heartbeat: watched?.last_heartbeat ?? null,
    ttl_seconds: watched?.ttl_seconds ?? null,
    metadata: recordOfNamed(watched?.metadata),
    tags: watched?.tags ?? [],
    dependencies: watched?.dependencies ?? [],
    root_cause: rootCause(view),
    maintenance: window ? maintenanceResponse(window) : null,
    stopped: deployed?.stopped ? serviceStopResponse(deployed.stopped) : null,
    endpoints: endpoints.map((one) => ({ ...one })),
    check: { ...(watched?.check ?? DEFAULT_CHECK) },
    checks: view.checks.map(checkResponse),
    deployed: deployed !== undefined,
    host: deployed?.host ?? null,
    created_at: made ?? view.since,
    updated_at: changed ?? view.since,
  };
}

function checkResponse({ check, isDeployed, ...seen }: CheckView): InstanceCheckResponse {
  const { name, type, command, intervalMs, timeoutMs } = check;
  return {
    ...{ name, type, ...(command !== undefined && { command }) },
    ...{ interval_seconds: intervalMs / 1000, timeout_seconds: timeoutMs / 1000 },
    ...{ deployed: isDeployed, ...seen },
  };
}

function rootCause({ rootCause: root }: ServiceView): RootCauseResponse | null {
  if (root === undefined) return null;
  const { id: service, status, since, reason } = root;
  return { service, status, since, reason };
}
