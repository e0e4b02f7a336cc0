import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { NameMap } from '../../common/http/name-map.decorator.js';
import type { NameRecord } from '../../common/values/name-record.js';
import {
  INSTANCE_CHECK_TYPES,
  type InstanceCheckType,
  MAX_CHECK_TIMEOUT_MS,
  MOST_CHECKS,
} from '../../engine/steps/deploy/deploy-action.js';
import { DEFAULT_CHECK } from '../checks/service-check.js';
import { MAX_URL_LENGTH } from '../checks/endpoint-url.js';

/** A label of a host name, in small letters. */
export const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME_MESSAGE = 'must be 1 to 63 small letters, digits and hyphens, such as shop';
const DEPENDENCY =
  /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/)?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const TAG = /^[A-Za-z0-9][A-Za-z0-9._=:-]{0,62}$/;
/** As HTTP allows a host with a port, no address of IPv6 without brackets. */
const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;
const PATH = /^\/[\x21-\x22\x24-\x7e]{0,1023}$/;
const MOST_ENDPOINTS = 20;
const MOST_NAMES = 50;
export const MIN_TTL_SECONDS = 5;
export const MAX_TTL_SECONDS = 86_400;
export const DEFAULT_TTL_SECONDS = 30;

/** Null is a value of the field: that of none. */
function MayBeNull(): PropertyDecorator {
  return ValidateIf((_object, value: unknown) => value !== undefined && value !== null);
}

const LONGEST_LINE = 4096;
const MOST_ARGUMENTS = 100;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_LINE && !value.includes('\0');
}

/** A line for the shell, or a program with its arguments. */
function IsCommand(): PropertyDecorator {
  const isCommand = (value: unknown): boolean =>
    Array.isArray(value)
      ? value.length > 0 && value.length <= MOST_ARGUMENTS && value.every(isText) && value[0] !== ''
      : isText(value) && value.trim() !== '';
  return ValidateBy({
    name: 'isCommand',
    validator: {
      validate: isCommand,
      defaultMessage: () =>
        `command must be a line, or a list of a program and its arguments (at most ${MOST_ARGUMENTS})`,
    },
  });
}

/** A check of the instance itself. */
export class InstanceCheckDto {
  @ApiProperty({
    enum: INSTANCE_CHECK_TYPES,
    description:
      '`exec`: a command inside ends with 0; `container`: what the engine says of the container.',
  })
  @IsIn(INSTANCE_CHECK_TYPES)
  type!: InstanceCheckType;

  @ApiPropertyOptional({
    example: 'queue-is-short',
    pattern: NAME.source,
    description: 'Absent: the type.',
  })
  @MayBeAbsent()
  @Matches(NAME, { message: `name ${NAME_MESSAGE}` })
  name?: string;

  @ApiPropertyOptional({
    oneOf: [
      { type: 'string', minLength: 1, maxLength: LONGEST_LINE },
      {
        type: 'array',
        items: { type: 'string', maxLength: LONGEST_LINE },
        minItems: 1,
        maxItems: MOST_ARGUMENTS,
      },
    ],
    example: ['./bin/queue-is-short'],
    description: 'Of `exec`: a line for `/bin/sh`, or a program and its arguments.',
  })
  @MayBeAbsent()
  @IsCommand()
  command?: string | string[];

  @ApiPropertyOptional({
    minimum: 1,
    maximum: 86_400,
    default: 10,
    description: 'Seconds from the start of one to that of the next.',
  })
  @MayBeAbsent()
  @IsNumber({ maxDecimalPlaces: 3 })
  @Min(1)
  @Max(86_400)
  interval_seconds?: number;

  @ApiPropertyOptional({
    minimum: 0.1,
    maximum: MAX_CHECK_TIMEOUT_MS / 1000,
    default: 5,
    description: 'Seconds that it may take; below its interval. At its end the command is killed.',
  })
  @MayBeAbsent()
  @IsNumber({ maxDecimalPlaces: 3 })
  @Min(0.1)
  @Max(MAX_CHECK_TIMEOUT_MS / 1000)
  timeout_seconds?: number;
}

/** How endpoints are looked at; what is not named stays as it is. */
export class CheckDto {
  @ApiPropertyOptional({
    default: DEFAULT_CHECK.enabled,
    description: 'False: nothing is asked, and heartbeats alone tell.',
  })
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  @ApiPropertyOptional({ enum: ['GET', 'HEAD'], default: DEFAULT_CHECK.method })
  @MayBeAbsent()
  @IsIn(['GET', 'HEAD'])
  method?: 'GET' | 'HEAD';

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: '/healthz',
    pattern: PATH.source,
    description: 'Instead of the path of the endpoint; may hold a query.',
  })
  @MayBeNull()
  @Matches(PATH, { message: 'check.path must begin with / and hold visible ASCII without #' })
  path?: string | null;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'integer', minimum: 100, maximum: 599 },
    maxItems: 20,
    example: [200, 204],
    description: 'Statuses of a good answer; none: 200 to 299.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(20)
  @IsInt({ each: true })
  @Min(100, { each: true })
  @Max(599, { each: true })
  expected_status?: number[];

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    minLength: 1,
    maxLength: 1000,
    description: 'A text that a good answer holds, in its first 64 KiB.',
  })
  @MayBeNull()
  @IsString()
  @MinLength(1)
  @MaxLength(1000)
  body_contains?: string | null;

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    example: 'shop.example',
    pattern: HOST.source,
    description: 'Header `Host`, and the name that the certificate must have.',
  })
  @MayBeNull()
  @Matches(HOST, { message: 'check.host must be a host name, with a port at most' })
  host?: string | null;

  @ApiPropertyOptional({
    default: DEFAULT_CHECK.follow_redirects,
    description: 'False: a redirect is a bad answer, unless its status is expected.',
  })
  @MayBeAbsent()
  @IsBoolean()
  follow_redirects?: boolean;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 86_400,
    default: DEFAULT_CHECK.interval_seconds,
    description: 'Seconds from the start of one probe to that of the next.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(86_400)
  interval_seconds?: number;

  @ApiPropertyOptional({
    minimum: 0.1,
    maximum: 60,
    default: DEFAULT_CHECK.timeout_seconds,
    description: 'Seconds that a probe may take; below the interval.',
  })
  @MayBeAbsent()
  @IsNumber({ maxDecimalPlaces: 3 })
  @Min(0.1)
  @Max(60)
  timeout_seconds?: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: DEFAULT_CHECK.up,
    description: 'Good answers in a row until an endpoint passes.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(100)
  up?: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: 100,
    default: DEFAULT_CHECK.down,
    description: 'Bad answers in a row until an endpoint fails.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(100)
  down?: number;
}

const endpointsProperty = {
  type: 'array',
  items: { type: 'string', maxLength: MAX_URL_LENGTH },
  maxItems: MOST_ENDPOINTS,
  example: ['https://shop.example/healthz', 'tcp://db.example:5432'],
  description: 'Where it answers: `http://`, `https://` or `tcp://host:port`.',
} as const;

/** Body of `PATCH /api/services/:id`: what is not named stays as it is. */
export class ChangeServiceDto {
  @ApiPropertyOptional(endpointsProperty)
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_ENDPOINTS)
  @IsString({ each: true })
  @MaxLength(MAX_URL_LENGTH, { each: true })
  endpoints?: string[];

  @ApiPropertyOptional({ type: CheckDto })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => CheckDto)
  check?: CheckDto;

  @ApiPropertyOptional({
    type: [InstanceCheckDto],
    maxItems: MOST_CHECKS,
    description:
      'Of the instance itself, beside those that its deployment says; only of a service that Millrace has deployed. One of the type `exec` takes the scope `deployments:deploy`, and a deployer of its environment.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_CHECKS)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => InstanceCheckDto)
  checks?: InstanceCheckDto[];

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', pattern: TAG.source },
    maxItems: MOST_NAMES,
    uniqueItems: true,
    example: ['web', 'team:shop'],
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_NAMES)
  @ArrayUnique()
  @Matches(TAG, { each: true, message: 'each of tags must be 1 to 63 of A-Z a-z 0-9 . _ = : -' })
  tags?: string[];

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 1000 },
    maxProperties: MOST_NAMES,
    example: { team: 'shop' },
    description: 'Texts by names; every viewer sees them.',
  })
  @MayBeAbsent()
  @NameMap()
  metadata?: NameRecord<unknown>;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', pattern: DEPENDENCY.source },
    maxItems: MOST_NAMES,
    uniqueItems: true,
    example: ['db', 'production/search'],
    description: 'Services that it needs, of its own environment or with the name of another one.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_NAMES)
  @ArrayUnique()
  @Matches(DEPENDENCY, {
    each: true,
    message: 'each of dependencies must be the name of a service, or environment/name',
  })
  dependencies?: string[];

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: MIN_TTL_SECONDS,
    maximum: MAX_TTL_SECONDS,
    description: 'Seconds within which a heartbeat has to come; null: none has to.',
  })
  @MayBeNull()
  @IsInt()
  @Min(MIN_TTL_SECONDS)
  @Max(MAX_TTL_SECONDS)
  ttl_seconds?: number | null;
}

/** Body of `POST /api/services`. */
export class RegisterServiceDto extends ChangeServiceDto {
  @ApiProperty({ example: 'shop', pattern: NAME.source })
  @Matches(NAME, { message: `name ${NAME_MESSAGE}` })
  name!: string;

  @ApiPropertyOptional({ example: 'production', default: 'default', pattern: NAME.source })
  @MayBeAbsent()
  @Matches(NAME, { message: `environment ${NAME_MESSAGE}` })
  environment?: string;
}

/** Body of `POST /api/services/:id/heartbeat`; there need not be one. */
export class HeartbeatDto {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: MIN_TTL_SECONDS,
    maximum: MAX_TTL_SECONDS,
    default: DEFAULT_TTL_SECONDS,
    description: 'Seconds within which the next one has to come.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(MIN_TTL_SECONDS)
  @Max(MAX_TTL_SECONDS)
  ttl_seconds?: number;

  @ApiPropertyOptional({
    ...endpointsProperty,
    description: 'Where it answers; heard of with the first heartbeat, which registers it.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_ENDPOINTS)
  @IsString({ each: true })
  @MaxLength(MAX_URL_LENGTH, { each: true })
  endpoints?: string[];
}
