import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  IsUrl,
  IsUUID,
  Matches,
  MaxLength,
} from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { FORGE_KINDS, type ForgeKind } from '../../integrations/forge/forge-event.js';
import { FORK_POLICIES, type ForkPolicy } from '../../engine/triggers/fork-policy.js';
import type { RepositorySettings } from '../repository.schema.js';

const MOST_APPROVERS = 50;
const MOST_PATTERNS = 50;
/** At its beginning `!` would take back, which a list of these does not. */
const TAG_PATTERN = /^(?!!)[^\p{Cc}]{1,255}$/u;

/** Body of `PATCH /api/repositories/:id`: what is not named stays as it is. */
export class ChangeRepositoryDto implements Partial<RepositorySettings> {
  @ApiPropertyOptional({
    enum: FORK_POLICIES,
    description: 'What a pull request from another repository may do. Default: `approval`.',
  })
  @MayBeAbsent()
  @IsIn(FORK_POLICIES)
  forks?: ForkPolicy;

  @ApiPropertyOptional({
    type: [String],
    format: 'uuid',
    maxItems: MOST_APPROVERS,
    description:
      'Ids of the users who may approve such a run, of those who may approve at all; an empty list: all of these.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_APPROVERS)
  @IsUUID(undefined, { each: true })
  fork_approvers?: string[];

  @ApiPropertyOptional({
    description:
      'Whether the forge is told, as a success, of pipelines that start nothing since other files were changed. Default: false.',
  })
  @MayBeAbsent()
  @IsBoolean()
  report_skipped?: boolean;

  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: 255 },
    example: ['v*'],
    maxItems: MOST_PATTERNS,
    uniqueItems: true,
    description:
      'Patterns of the tags whose runs get protected secrets, besides those of the default branch; `*` is anything but `/`, `**` anything, `?` one character, `{a,b}` one of the two. Default: none.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_PATTERNS)
  @ArrayUnique()
  @Matches(TAG_PATTERN, {
    each: true,
    message: 'each of protected_tags must be a pattern of 1 to 255 characters, without ! in front',
  })
  protected_tags?: string[];
}

/** Body of `POST /api/repositories`. */
export class ConnectRepositoryDto extends ChangeRepositoryDto {
  @ApiProperty({ example: 'https://github.com/acme/shop', maxLength: 2048 })
  @IsString()
  @MaxLength(2048)
  url!: string;

  @ApiPropertyOptional({
    enum: FORGE_KINDS,
    description: 'Which forge runs there. Known of github.com, gitlab.com and codeberg.org.',
  })
  @IsOptional()
  @IsIn(FORGE_KINDS)
  forge?: ForgeKind;

  @ApiPropertyOptional({
    example: 'https://git.example.org/api/v1',
    description: 'Where the API of the forge is, if not at its usual place.',
  })
  @IsOptional()
  @IsUrl({
    require_tld: false,
    protocols: ['http', 'https'],
    require_protocol: true,
    disallow_auth: true,
    allow_query_components: false,
    allow_fragments: false,
  })
  @MaxLength(2048)
  api_url?: string;

  @ApiPropertyOptional({
    writeOnly: true,
    maxLength: 1000,
    description:
      'A token of the forge: may read the repository, write statuses, and make webhooks if Millrace shall make them. Kept encrypted, never shown.',
  })
  @IsOptional()
  @Matches(/^[\x21-\x7e]{1,1000}$/, { message: 'token must be 1 to 1000 visible ASCII characters' })
  token?: string;

  @ApiPropertyOptional({
    example: '278964',
    description: 'Id of the repository at the forge; needed for GitLab only.',
  })
  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]{1,64}$/, { message: 'remote_id must be the id that the forge shows' })
  remote_id?: string;
}
