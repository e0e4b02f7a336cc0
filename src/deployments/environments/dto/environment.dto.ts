import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { type Role, ROLES, rolesWith } from '../../../auth/policy/policy.js';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

const APPROVERS = rolesWith('deployments:approve');
const MOST_USERS = 100;
const MOST_BRANCHES = 50;
const MOST_APPROVALS = 10;
/** A week, in seconds. */
const LONGEST_WAIT = 604_800;
/** Of a log-in name; ids of accounts are shorter. */
const LONGEST_NAME = 255;

const USERS = {
  type: 'array' as const,
  maxItems: MOST_USERS,
  uniqueItems: true,
  items: { type: 'string' as const, minLength: 1, maxLength: LONGEST_NAME },
  description: 'Log-in names of people who have logged in once, or ids of their accounts.',
};

export class DeployersDto {
  @ApiPropertyOptional({ ...USERS, example: ['ada'] })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_USERS)
  @ArrayUnique()
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(LONGEST_NAME, { each: true })
  users?: string[];

  @ApiPropertyOptional({ enum: ROLES, isArray: true, uniqueItems: true, example: ['admin'] })
  @MayBeAbsent()
  @IsArray()
  @ArrayUnique()
  @IsIn(ROLES, { each: true })
  roles?: Role[];
}

export class ApproversDto {
  @ApiPropertyOptional({ ...USERS, example: ['grace'] })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_USERS)
  @ArrayUnique()
  @IsString({ each: true })
  @MinLength(1, { each: true })
  @MaxLength(LONGEST_NAME, { each: true })
  users?: string[];

  @ApiPropertyOptional({
    ...{ enum: APPROVERS, isArray: true, uniqueItems: true, example: ['admin'] },
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayUnique()
  @IsIn(APPROVERS, { each: true })
  roles?: Role[];
}

/** Body of `PUT /api/environments/:name`: all of it; what is absent has no limit. */
export class SetEnvironmentDto {
  @ApiPropertyOptional({
    type: () => DeployersDto,
    nullable: true,
    description: 'Who may deploy, promote and roll back; null: all who may deploy at all.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => DeployersDto)
  deployers?: DeployersDto | null;

  @ApiPropertyOptional({
    type: () => ApproversDto,
    nullable: true,
    description: 'Who may approve.',
  })
  @IsOptional()
  @ValidateNested()
  @Type(() => ApproversDto)
  approvers?: ApproversDto | null;

  @ApiPropertyOptional({
    ...{ type: 'integer', minimum: 0, maximum: MOST_APPROVALS, default: 0 },
    description: 'Approvals of different people that a deployment needs.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MOST_APPROVALS)
  required?: number;

  @ApiPropertyOptional({
    ...{ type: 'integer', minimum: 0, maximum: LONGEST_WAIT, default: 0 },
    description: 'Seconds from when a deployment was asked for until it may begin.',
  })
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(LONGEST_WAIT)
  wait?: number;

  @ApiPropertyOptional({
    type: 'array',
    ...{ nullable: true, minItems: 1, maxItems: MOST_BRANCHES, uniqueItems: true },
    items: { type: 'string', maxLength: 250, pattern: '^\\S+$' },
    example: ['main', 'release/**'],
    description: 'Only these are deployed, as in `triggers`; null: all, and what is of no branch.',
  })
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MOST_BRANCHES)
  @ArrayUnique()
  @IsString({ each: true })
  @MaxLength(250, { each: true })
  @Matches(/^\S+$/, { each: true })
  branches?: string[] | null;

  @ApiPropertyOptional({
    default: false,
    description: 'Whoever caused a deployment, or wrote what is in it, may approve it too.',
  })
  @MayBeAbsent()
  @IsBoolean()
  allow_self?: boolean;
}
