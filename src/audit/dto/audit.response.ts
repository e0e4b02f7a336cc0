import { ApiProperty } from '@nestjs/swagger';
import { AUDIT_ACTION_NAMES, AUDIT_OUTCOMES } from '../../common/audit/audit-actions.js';
import { wireForm, type AuditRecord, type ChainEnd } from '../audit-record.js';
import type { Verification } from '../audit-verifier.js';

const ACTOR_KINDS = [
  'user',
  'service_account',
  'token',
  'anonymous',
  'unknown',
  'forge',
  'system',
] as const;

export class AuditActorResponse {
  @ApiProperty({ enum: ACTOR_KINDS })
  kind!: string;

  @ApiProperty({ description: "'' where nobody is known." })
  id!: string;

  @ApiProperty({ description: 'As it was then.', example: 'ada' })
  name!: string;

  @ApiProperty({ description: "Session or token by which it was known; '' where there is none." })
  credential!: string;
}

export class AuditTargetResponse {
  @ApiProperty({ example: 'pipeline' })
  kind!: string;

  @ApiProperty()
  id!: string;

  @ApiProperty({ description: "'' where the answer of the request did not say it." })
  name!: string;
}

export class AuditRecordResponse {
  @ApiProperty({ type: 'integer', description: 'From 1, without a gap.' })
  seq!: number;

  @ApiProperty({ type: 'integer', description: 'Of this form of a record.' })
  form!: number;

  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ format: 'date-time' })
  at!: string;

  @ApiProperty({ type: AuditActorResponse })
  actor!: AuditActorResponse;

  @ApiProperty({ description: 'Address of the client.', example: '192.0.2.7' })
  client!: string;

  @ApiProperty({ description: '`X-Request-Id` of the request.' })
  request_id!: string;

  @ApiProperty({ enum: AUDIT_ACTION_NAMES })
  action!: string;

  @ApiProperty({ type: AuditTargetResponse, nullable: true })
  target!: AuditTargetResponse | null;

  @ApiProperty({
    enum: AUDIT_OUTCOMES,
    description: '`failed`: by a failure of the server; whether it was done is not known.',
  })
  outcome!: string;

  @ApiProperty({ description: "Code of why it was refused or failed; else ''." })
  reason!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: {
      anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'null' }],
    },
  })
  details!: Readonly<Record<string, unknown>>;

  @ApiProperty({ description: 'Hash of the record before.' })
  prev!: string;

  @ApiProperty({
    description: 'SHA-256 of the canonical JSON (keys sorted, no spaces) of all the rest.',
  })
  hash!: string;
}

export function auditRecordResponse(record: AuditRecord): AuditRecordResponse {
  return { ...wireForm(record), hash: record.hash };
}

export class ChainEndResponse {
  @ApiProperty({ type: 'integer' })
  seq!: number;

  @ApiProperty()
  hash!: string;
}

export class ChainBreakResponse {
  @ApiProperty({ type: 'integer', description: 'The first record that does not hold.' })
  seq!: number;

  @ApiProperty({
    enum: ['missing', 'changed', 'unlinked'],
    description:
      '`unlinked`: it is as it was stored, but the record before it is not the one that it followed.',
  })
  kind!: string;
}

export class VerificationResponse {
  @ApiProperty({ description: 'Every record that was looked at is as it was stored.' })
  holds!: boolean;

  @ApiProperty({ type: ChainBreakResponse, nullable: true })
  first_break!: ChainBreakResponse | null;

  @ApiProperty({ type: 'integer', description: 'Records that were looked at, and hold.' })
  checked!: number;

  @ApiProperty({
    type: ChainEndResponse,
    description: 'The record before the first one: removed by retention, or the start (0).',
  })
  from!: ChainEnd;

  @ApiProperty({
    type: ChainEndResponse,
    description: 'The last record that holds. Note it elsewhere, to verify from it later.',
  })
  last!: ChainEnd;

  @ApiProperty({
    description: 'false: more records follow; ask again with `last` as `since_seq`, `since_hash`.',
  })
  complete!: boolean;
}

export function verificationResponse(verification: Verification): VerificationResponse {
  const { firstBreak = null, checked, from, last, isComplete } = verification;
  return {
    holds: firstBreak === null,
    first_break: firstBreak,
    checked,
    from: { seq: from.seq, hash: from.hash },
    last: { seq: last.seq, hash: last.hash },
    complete: isComplete,
  };
}
