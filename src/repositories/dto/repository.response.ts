import { ApiProperty } from '@nestjs/swagger';
import { FORGE_KINDS } from '../../integrations/forge/forge-event.js';
import { FORK_POLICIES } from '../../engine/triggers/fork-policy.js';
import { PART_STATES, type CheckedPart, type Connected } from '../repositories.service.js';
import { type RepositoryDocument, settingsOf } from '../repository.schema.js';

export class RepositoryProblemResponse {
  @ApiProperty({ example: 'unauthorized' })
  code!: string;

  @ApiProperty({ example: 'The forge refuses the credential.' })
  message!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  at!: Date;
}

/** A connected repository. */
export class RepositoryResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: FORGE_KINDS })
  forge!: string;

  @ApiProperty({ example: 'acme/shop' })
  full_name!: string;

  @ApiProperty({ example: 'https://github.com/acme/shop' })
  url!: string;

  @ApiProperty({ example: 'https://github.com/acme/shop.git' })
  clone_url!: string;

  @ApiProperty({ example: 'main' })
  default_branch!: string;

  @ApiProperty({ example: '4711', description: 'Its id at the forge.' })
  remote_id!: string;

  @ApiProperty({ description: 'Whether a credential is stored; it is never shown.' })
  has_token!: boolean;

  @ApiProperty({
    enum: ['made', 'to_paste'],
    description: 'Whether Millrace has made the webhook at the forge itself.',
  })
  webhook!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When the last delivery with a good signature came.',
  })
  webhook_reached_at!: Date | null;

  @ApiProperty({ enum: FORK_POLICIES })
  forks!: string;

  @ApiProperty({
    type: [String],
    description: 'Ids of the users who may approve; empty: all who may approve at all.',
  })
  fork_approvers!: readonly string[];

  @ApiProperty({ description: 'Whether the forge is told of pipelines that were not needed.' })
  report_skipped!: boolean;

  @ApiProperty({
    type: [String],
    example: ['v*'],
    description: 'Patterns of the tags whose runs get protected secrets.',
  })
  protected_tags!: readonly string[];

  @ApiProperty({ type: RepositoryProblemResponse, nullable: true })
  problem!: RepositoryProblemResponse | null;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;
}

export class WebhookToPasteResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Payload URL for the forge; null: set PUBLIC_URL first.',
  })
  url!: string | null;

  @ApiProperty({ description: 'Shown this once.' })
  secret!: string;
}

/** A repository that was just connected. */
export class ConnectedRepositoryResponse extends RepositoryResponse {
  @ApiProperty({
    type: WebhookToPasteResponse,
    nullable: true,
    description: 'What to paste at the forge; null: Millrace has made the webhook itself.',
  })
  paste!: WebhookToPasteResponse | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description: 'Why Millrace has not made the webhook.',
  })
  why!: string | null;
}

export class CheckedPartResponse {
  @ApiProperty({ enum: ['forge', 'webhook', 'deliveries'] })
  part!: string;

  @ApiProperty({ description: 'False: it does not work (`state` is `fails`).' })
  ok!: boolean;

  @ApiProperty({
    enum: PART_STATES,
    description: '`not_seen`: what would show whether it works has not happened yet.',
  })
  state!: string;

  @ApiProperty()
  message!: string;
}

export class CheckedRepositoryResponse {
  @ApiProperty({ type: [CheckedPartResponse] })
  parts!: readonly CheckedPartResponse[];
}

export function checkedResponse(parts: readonly CheckedPart[]): CheckedRepositoryResponse {
  return {
    parts: parts.map(({ part, state, message }) => ({
      part,
      ok: state !== 'fails',
      state,
      message,
    })),
  };
}

export function repositoryResponse(repository: RepositoryDocument): RepositoryResponse {
  return {
    id: repository._id,
    forge: repository.forge,
    full_name: repository.full_name,
    url: repository.web_url,
    clone_url: repository.clone_url,
    default_branch: repository.default_branch,
    remote_id: repository.remote_id,
    has_token: repository.token !== null,
    webhook: repository.webhook.id === null ? 'to_paste' : 'made',
    webhook_reached_at: repository.webhook.reached_at,
    ...settingsOf(repository),
    problem: repository.problem,
    created_at: repository.created_at,
  };
}

export function connectedResponse({
  repository,
  paste,
  why,
}: Connected): ConnectedRepositoryResponse {
  return { ...repositoryResponse(repository), paste, why };
}
