import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsUUID, Matches } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../../common/http/paging.js';
import type { DecisionPart } from '../../../engine/triggers/decision-part.js';
import type { RuleDecision } from '../../../engine/triggers/trigger-decision.js';
import {
  DecisionPartResponse,
  DecisionReasonResponse,
  RuleDecisionResponse,
} from '../../../pipelines/trigger-request/dto/decision.response.js';
import {
  DELIVERY_KINDS,
  type DeliveryDocument,
  type DeliveryKind,
  type DeliverySubject,
  type StoredDecision,
  type StoredDecisionReason,
} from '../delivery.schema.js';
import { EVENT_KINDS, type ForgeEvent } from '../../../integrations/forge/forge-event.js';
import { DELIVERY_STATUSES, type DeliveryStatus } from '../delivery-status.js';

/** `Push Hook` is one of GitLab. */
const EVENT_NAME = /^[A-Za-z0-9 _-]{1,64}$/;

export class AcceptedDeliveryResponse {
  @ApiProperty({ format: 'uuid' })
  delivery_id!: string;
}

export class DeliveryListQuery extends PageQuery {
  @ApiPropertyOptional({ format: 'uuid', description: 'Of this connected repository only.' })
  @MayBeAbsent()
  @IsUUID()
  repository_id?: string;

  @ApiPropertyOptional({ enum: DELIVERY_STATUSES, description: 'Those in this state only.' })
  @MayBeAbsent()
  @IsIn(DELIVERY_STATUSES)
  status?: DeliveryStatus;

  @ApiPropertyOptional({
    example: 'push',
    pattern: EVENT_NAME.source,
    description: 'Of this event only, as the forge names it.',
  })
  @MayBeAbsent()
  @Matches(EVENT_NAME, { message: 'event must be the name of an event, such as push' })
  event?: string;
}

/** Body of `POST /api/ci/deliveries/:id/replay`. */
export class ReplayDeliveryDto {
  @ApiPropertyOptional({ description: 'Show what it would start, and start nothing.' })
  @MayBeAbsent()
  @IsBoolean()
  dry_run?: boolean;
}

/** Body of `POST /api/ci/deliveries/:id/approve`. */
export class ApproveDeliveryDto {
  @ApiProperty({ format: 'uuid', description: 'Of the decision that waits.' })
  @IsUUID()
  pipeline_id!: string;

  @ApiProperty({
    example: '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901',
    description: 'The commit that was looked at: `reason.data.commit` of the decision.',
  })
  @Matches(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, {
    message: 'commit must be a whole id in lower case',
  })
  commit!: string;
}

export class ApprovedDeliveryResponse {
  @ApiProperty({ format: 'uuid' })
  execution_id!: string;
}

/** An execution of the same pipeline and commit, started by an event of another kind. */
export class SameCommitResponse {
  @ApiProperty({ enum: EVENT_KINDS })
  event!: ForgeEvent['kind'];

  @ApiProperty({ format: 'uuid' })
  execution_id!: string;
}

/** What was decided for one pipeline. */
export class DeliveryDecisionResponse {
  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  pipeline_id!: string | null;

  @ApiProperty({ example: 'shop' })
  pipeline_name!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: '.millrace.yml',
    description: 'File in the repository; null: a pipeline that was stored by the API.',
  })
  path!: string | null;

  @ApiProperty({ type: Number, nullable: true })
  version!: number | null;

  @ApiProperty()
  starts!: boolean;

  @ApiProperty({ type: DecisionReasonResponse })
  reason!: StoredDecisionReason;

  @ApiProperty({ type: [DecisionPartResponse], description: 'What is asked beside the rules.' })
  parts!: readonly DecisionPart[];

  @ApiProperty({ type: [RuleDecisionResponse] })
  rules!: readonly RuleDecisionResponse[];

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  execution_id!: string | null;

  @ApiProperty({
    type: [SameCommitResponse],
    description:
      'Executions of the same pipeline and commit that events of other kinds have started: a push and its pull request make two.',
  })
  same_commit!: readonly SameCommitResponse[];
}

export class DeliverySummaryResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Null: it came to the webhook of one pipeline.',
  })
  repository_id!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'acme/shop',
    description: 'Its name when the delivery came; null where an older release has stored it.',
  })
  repository_name!: string | null;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Whose webhook it came to; null: that of a repository.',
  })
  pipeline_id!: string | null;

  @ApiProperty({
    enum: DELIVERY_KINDS,
    description:
      '`forge`: a webhook of the forge. `missed_push`: none came; the head of the branch at the forge was another one than seen last. `pipeline`: the webhook of one pipeline.',
  })
  kind!: DeliveryKind;

  @ApiProperty({ type: String, nullable: true, example: 'github' })
  forge!: string | null;

  @ApiProperty({ type: String, nullable: true, description: 'Its id at the forge.' })
  forge_delivery_id!: string | null;

  @ApiProperty({ example: 'push' })
  event!: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'main',
    description: 'Null, as the next three: it is of none, or not decided yet.',
  })
  branch!: string | null;

  @ApiProperty({ type: String, nullable: true })
  tag!: string | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Of the pull request.' })
  number!: number | null;

  @ApiProperty({ type: String, nullable: true, description: 'What is to be built.' })
  commit!: string | null;

  @ApiProperty({
    enum: DELIVERY_STATUSES,
    description: '`received` waits to be decided, `decided` to be started.',
  })
  status!: string;

  @ApiProperty({ type: DecisionReasonResponse, nullable: true })
  reason!: StoredDecisionReason | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  duplicate_of!: string | null;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    description: 'Of a replay: the delivery that was decided once more.',
  })
  replay_of!: string | null;

  @ApiProperty({ description: 'Only shown: nothing is started.' })
  dry_run!: boolean;

  @ApiProperty({ description: 'Bytes of the body.' })
  size!: number;

  @ApiProperty({ type: String, format: 'date-time' })
  received_at!: Date;

  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  decided_at!: Date | null;

  @ApiProperty({ type: String, nullable: true, description: 'Why it is not decided yet.' })
  problem!: string | null;
}

export class DeliveryResponse extends DeliverySummaryResponse {
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  headers!: Readonly<Record<string, string>>;

  @ApiProperty({ type: [DeliveryDecisionResponse] })
  decisions!: readonly DeliveryDecisionResponse[];
}

const NO_SUBJECT: DeliverySubject = { branch: null, tag: null, number: null, commit: null };

export function deliverySummary(delivery: DeliveryDocument): DeliverySummaryResponse {
  return {
    id: delivery._id,
    repository_id: delivery.repository_id,
    repository_name: delivery.repository_name ?? null,
    pipeline_id: delivery.pipeline_id ?? null,
    kind: delivery.kind ?? 'forge',
    forge: delivery.forge,
    forge_delivery_id: delivery.forge_delivery_id,
    event: delivery.event,
    ...(delivery.subject ?? NO_SUBJECT),
    status: delivery.status,
    reason: delivery.reason,
    duplicate_of: delivery.duplicate_of,
    replay_of: delivery.replay_of ?? null,
    dry_run: delivery.dry_run ?? false,
    size: delivery.size,
    received_at: delivery.received_at,
    decided_at: delivery.decided_at,
    problem: delivery.problem,
  };
}

/** @param sameCommit of each decision, in their order */
export function deliveryResponse(
  delivery: DeliveryDocument,
  sameCommit: readonly (readonly SameCommitResponse[])[],
): DeliveryResponse {
  return {
    ...deliverySummary(delivery),
    headers: JSON.parse(delivery.headers) as Record<string, string>,
    decisions: decisionsOf(delivery).map((decision, index) => ({
      ...decision,
      same_commit: sameCommit[index] ?? [],
    })),
  };
}

type OlderDecision = Omit<StoredDecision, 'parts' | 'rules'> & {
  readonly parts?: readonly DecisionPart[];
  readonly rules: readonly (Omit<RuleDecision, 'parts'> & Partial<Pick<RuleDecision, 'parts'>>)[];
};

export function decisionsOf({ decisions }: Pick<DeliveryDocument, 'decisions'>): StoredDecision[] {
  if (decisions === null) return [];
  // Those of older versions of Millrace have no parts.
  const found = JSON.parse(decisions) as OlderDecision[];
  return found.map(({ parts = [], rules, ...decision }) => ({
    ...decision,
    parts,
    rules: rules.map(({ parts: ofRule = [], ...rule }) => ({ ...rule, parts: ofRule })),
  }));
}
