import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601 } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { pageBody, PageQuery } from '../../common/http/paging.js';
import { SERVICE_STATUSES } from '../checks/service-status.js';
import { RESOLUTIONS, type Resolution } from '../history/health-rows.js';
import type { ServiceHistory } from '../service-health.service.js';
import { ServiceReasonResponse } from './service.response.js';

const date = { type: String, format: 'date-time' } as const;
const integer = { type: 'integer' } as const;

/** Which part of the history; `limit` and `cursor` are of its changes. */
export class HealthQuery extends PageQuery {
  @ApiPropertyOptional({ enum: RESOLUTIONS, default: 'minute' })
  @MayBeAbsent()
  @IsIn(RESOLUTIONS)
  resolution?: Resolution;

  @ApiPropertyOptional({
    ...date,
    description: 'Default: an hour (`raw`), a day (`minute`) or 30 days (`hour`) before `until`.',
  })
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  from?: string;

  @ApiPropertyOptional({ ...date, description: 'Default: now.' })
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  until?: string;
}

/** One change of the state of a service. */
export class ServiceChangeResponse {
  @ApiProperty({ ...integer, description: 'Counted from 1 for each service.' })
  seq!: number;

  @ApiProperty({ enum: SERVICE_STATUSES, type: String, nullable: true })
  from!: string | null;

  @ApiProperty({ enum: SERVICE_STATUSES })
  to!: string;

  @ApiProperty(date)
  at!: Date;

  @ApiProperty({ type: ServiceReasonResponse })
  reason!: ServiceReasonResponse;
}

/** What was done by itself when a service failed. */
export class FailureActionResponse {
  @ApiProperty({ enum: ['restart', 'rollback', 'none'], description: '`none`: nothing more.' })
  action!: string;

  @ApiProperty({ type: ServiceReasonResponse })
  reason!: ServiceReasonResponse;

  @ApiProperty(date)
  at!: Date;

  @ApiProperty({ ...integer, description: 'The release that had failed.' })
  release!: number;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'The deployment that does it; null: there is none.',
  })
  deployment_id!: string | null;

  @ApiProperty({
    enum: ['decided', 'begun', 'dropped', 'left'],
    description:
      '`begun`: its deployment says what became of it; `dropped`: it was needed no more; `left`: the service stays failed.',
  })
  state!: string;
}

/** What was seen within a minute or an hour. */
export class HealthRowResponse {
  @ApiProperty({ ...date, description: 'When it begins.' })
  at!: Date;

  @ApiProperty(integer)
  probes!: number;

  @ApiProperty(integer)
  failed!: number;

  @ApiProperty({
    ...integer,
    description: 'Milliseconds of it in which somebody has looked; the rest counts as not up.',
  })
  observed_ms!: number;

  @ApiProperty(integer)
  average_ms!: number;

  @ApiProperty(integer)
  max_ms!: number;
}

/** One probe that counted. */
export class ProbeResponse {
  @ApiProperty(date)
  at!: Date;

  @ApiProperty({ example: 'https://shop.example/healthz' })
  url!: string;

  @ApiProperty(integer)
  took_ms!: number;

  @ApiProperty({ type: String, nullable: true, description: 'Why it failed; null: it passed.' })
  failure!: string | null;
}

/** How a service was. */
export class ServiceHealthResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'shop' })
  name!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({ enum: SERVICE_STATUSES })
  status!: string;

  @ApiProperty({ type: ServiceReasonResponse, description: 'Why it is so now.' })
  reason!: ServiceReasonResponse;

  @ApiProperty(date)
  since!: Date;

  @ApiProperty({ type: [ServiceChangeResponse], description: 'The newest first, in pages.' })
  changes!: ServiceChangeResponse[];

  @ApiProperty({ type: String, nullable: true, example: null, description: 'Of `changes`.' })
  next_cursor!: string | null;

  @ApiProperty({
    type: [FailureActionResponse],
    description: 'The last 50 things done by `on_failure`, the newest first.',
  })
  actions!: FailureActionResponse[];

  @ApiProperty({ enum: RESOLUTIONS })
  resolution!: string;

  @ApiProperty(date)
  from!: Date;

  @ApiProperty(date)
  until!: Date;

  @ApiProperty({ type: [HealthRowResponse], description: 'The oldest first; none of `raw`.' })
  rows!: HealthRowResponse[];

  @ApiProperty({ type: [ProbeResponse], description: 'Of `raw`, the oldest first.' })
  probes!: ProbeResponse[];

  @ApiProperty({
    ...date,
    nullable: true,
    description:
      'There are more rows than one answer has: ask again, from here. null: that is all.',
  })
  more_from!: Date | null;
}

export function serviceHealthResponse(history: ServiceHistory): ServiceHealthResponse {
  const { view, resolution, from, until, rows, probes, moreFrom } = history;
  const { items, next_cursor } = pageBody(history.changes);
  return {
    ...{ id: view.uuid, name: view.name, environment: view.environment, status: view.status },
    ...{ reason: view.reason, since: view.since },
    changes: items.map((one) => {
      const { seq, to, at, reason } = one;
      return { seq, from: one.from, to, at, reason };
    }),
    actions: history.actions.map(({ action, reason, at, release, deployment_id, state }) => ({
      ...{ action, reason, at, release, deployment_id, state },
    })),
    ...{ next_cursor, resolution, from, until },
    rows: rows.map(({ at, probes: count, failed, observedMs, averageMs, maxMs }) => ({
      ...{ at: new Date(at), probes: count, failed, observed_ms: observedMs },
      ...{ average_ms: averageMs, max_ms: maxMs },
    })),
    probes: probes.map(({ at, url, tookMs, failure }) => ({
      ...{ at: new Date(at), url, took_ms: tookMs, failure },
    })),
    more_from: moreFrom,
  };
}
