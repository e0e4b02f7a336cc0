import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString, IsUUID, Matches, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { ASKED_REF_NAME } from '../../common/values/ref-name.js';
import { PROJECT_TYPES, type ProjectType } from '../../detection/candidate.js';

/** Names that lead downwards from the top. */
const FOLDER_PATH =
  /^(?!\.\.?(?:\/|$))[^/\\\p{Cc}\p{Cs}]+(?:\/(?!\.\.?(?:\/|$))[^/\\\p{Cc}\p{Cs}]+)*$/u;
const MAX_PATH = 1000;

/** What of a project is asked for. */
export class ProjectChoiceDto {
  @ApiPropertyOptional({
    example: 'apps/web',
    maxLength: MAX_PATH,
    description: 'Folder below the top of the project. Absent: the top.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(MAX_PATH)
  @Matches(FOLDER_PATH, { message: 'path must lead to a folder below the top, as apps/web does' })
  path?: string;

  @ApiPropertyOptional({
    enum: PROJECT_TYPES,
    description: 'What a person says that it is: it is taken, whatever the files say.',
  })
  @MayBeAbsent()
  @IsIn(PROJECT_TYPES)
  type?: ProjectType;
}

export class DetectRepositoryDto extends ProjectChoiceDto {
  @ApiPropertyOptional({
    pattern: '^(https?|ssh):\\/\\/\\S+$',
    maxLength: 2000,
    example: 'https://github.com/acme/shop.git',
    description:
      'URL to clone, without credentials: where it is connected, the token of the connection is used.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(2000)
  repository?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'Instead: a connected repository.' })
  @MayBeAbsent()
  @IsUUID()
  repository_id?: string;

  @ApiPropertyOptional({ example: 'main', description: 'Absent: the default branch.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  @Matches(ASKED_REF_NAME, { message: 'branch must be the name of a branch' })
  branch?: string;

  @ApiPropertyOptional({ example: 'v1.2.0' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(255)
  @Matches(ASKED_REF_NAME, { message: 'tag must be the name of a tag' })
  tag?: string;

  @ApiPropertyOptional({ description: '7 to 40 hex digits; may come with a branch or a tag.' })
  @MayBeAbsent()
  @Matches(/^[0-9a-f]{7,40}$/i, { message: 'commit must be 7 to 40 hex digits' })
  commit?: string;
}

/** The fields of the form beside its file. */
export class DetectUploadDto extends ProjectChoiceDto {}

/** The form, for the document. */
export class DetectUploadForm extends ProjectChoiceDto {
  @ApiProperty({ type: 'string', format: 'binary', description: 'A tar, or one in gzip.' })
  archive!: unknown;
}
