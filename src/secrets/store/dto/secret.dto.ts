import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
} from 'class-validator';
import { validationError } from '../../../common/errors/millrace.error.js';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { PageQuery } from '../../../common/http/paging.js';
import { EVERYBODY, SECRET_SCOPES, type SecretOwner, type SecretScope } from '../secret-owner.js';
import { rulesOf, SECRET_EVENTS, type SecretEvent } from '../secret-rules.js';
import { MAX_SECRET_BYTES } from '../secret-value.js';
import type { SecretFilter, SecretSummary } from '../secrets.repository.js';

/** Body of `PATCH /api/secrets/:name`: which runs get the secret; what is absent stays. */
export class ChangeSecretDto {
  @ApiPropertyOptional({
    enum: SECRET_EVENTS,
    isArray: true,
    nullable: true,
    minItems: 1,
    uniqueItems: true,
    example: ['push', 'tag'],
    description:
      'Only runs of these events get it, `manual` being `cli` too; null: whatever the event is.',
  })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(SECRET_EVENTS, { each: true })
  events?: SecretEvent[] | null;

  @ApiPropertyOptional({
    description:
      'Only runs of the default branch and of protected tags of the connected repository get it, no pull request.',
  })
  @MayBeAbsent()
  @IsBoolean()
  protected?: boolean;
}

/** Body of `PUT /api/secrets/:name`. */
export class SetSecretDto extends ChangeSecretDto {
  @ApiProperty({
    writeOnly: true,
    maxLength: MAX_SECRET_BYTES,
    description:
      'At most 48 KiB; at least one line of 4 bytes, so that it can be masked. No answer ever holds it.',
  })
  @IsString()
  @MaxLength(MAX_SECRET_BYTES)
  value!: string;
}

/** Whose secret; neither: global. */
export class SecretOwnerQuery {
  @ApiPropertyOptional({ format: 'uuid', description: 'The secret of this pipeline.' })
  @MayBeAbsent()
  @IsUUID()
  pipeline_id?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'The secret of this connected repository.' })
  @MayBeAbsent()
  @IsUUID()
  repository_id?: string;
}

export class SecretListQuery extends PageQuery {
  @ApiPropertyOptional({ enum: SECRET_SCOPES })
  @MayBeAbsent()
  @IsIn(SECRET_SCOPES)
  scope?: SecretScope;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only those of this pipeline.' })
  @MayBeAbsent()
  @IsUUID()
  pipeline_id?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only those of this repository.' })
  @MayBeAbsent()
  @IsUUID()
  repository_id?: string;
}

/** A secret, without its value. */
export class SecretResponse {
  @ApiProperty({ example: 'NPM_TOKEN' })
  name!: string;

  @ApiProperty({ enum: SECRET_SCOPES, description: 'The narrowest counts: pipeline first.' })
  scope!: string;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  pipeline_id!: string | null;

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  repository_id!: string | null;

  @ApiProperty({
    enum: SECRET_EVENTS,
    isArray: true,
    nullable: true,
    description: 'Only runs of these events get it; null: whatever the event is.',
  })
  events!: readonly string[] | null;

  @ApiProperty({ description: 'Only runs of the default branch and of protected tags get it.' })
  protected!: boolean;

  @ApiProperty({ example: 'token' })
  created_by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ description: 'Who gave the value that counts now.', example: 'token' })
  updated_by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  updated_at!: Date;
}

export function secretResponse(secret: SecretSummary): SecretResponse {
  const { name, scope, owner_id, created_by, created_at, updated_by, updated_at } = secret;
  return {
    name,
    scope,
    pipeline_id: scope === 'pipeline' ? owner_id : null,
    repository_id: scope === 'repository' ? owner_id : null,
    ...rulesOf(secret),
    created_by,
    created_at,
    updated_by,
    updated_at,
  };
}

/** @throws ValidationError when both are named */
export function ownerOf(query: SecretOwnerQuery): SecretOwner {
  const { pipeline_id: pipeline, repository_id: repository } = query;
  if (pipeline !== undefined && repository !== undefined) throw twoOwners();
  if (pipeline !== undefined) return { scope: 'pipeline', id: pipeline.toLowerCase() };
  if (repository !== undefined) return { scope: 'repository', id: repository.toLowerCase() };
  return EVERYBODY;
}

/** @throws ValidationError when it can match nothing */
export function filterOf({ scope, ...query }: SecretListQuery): SecretFilter {
  const owner = ownerOf(query);
  if (owner.scope === 'global') return scope === undefined ? {} : { scope };
  if (scope !== undefined && scope !== owner.scope) throw twoOwners();
  return { scope: owner.scope, ownerId: owner.id };
}

function twoOwners(): Error {
  return validationError('A secret has one owner: a pipeline, a repository, or nobody (global).', {
    details: [{ path: 'pipeline_id', code: 'one_owner', message: 'more than one owner is named' }],
    suggestions: ['Name pipeline_id or repository_id, or neither for a global secret.'],
  });
}
