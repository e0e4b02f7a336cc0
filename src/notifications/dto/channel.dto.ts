import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsString,
  MaxLength,
  MinLength,
} from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { NameMap } from '../../common/http/name-map.decorator.js';
import type { NameRecord } from '../../common/values/name-record.js';
import { MOST_HEADERS } from '../channels/asked-channel.js';
import { TOLD_ENDS, type ToldEnd } from '../alerts/told-end.js';
import type { Channel, PipelineChannel } from '../channels/channel.js';
import { DEFAULT_ON } from '../channels/pipeline-channels.service.js';

const TYPES = ['webhook', 'email'] as const;
const MOST_RECEIVERS = 20;

/** Body of `PUT /api/services/:id/channels/:name`. What it holds is never shown again. */
export class SetChannelDto {
  @ApiProperty({ enum: TYPES })
  @IsIn(TYPES)
  type!: (typeof TYPES)[number];

  @ApiPropertyOptional({
    ...{ maxLength: 2048, example: 'https://hooks.example/alerts/1' },
    description: 'Of a webhook: `http://` or `https://`.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(2048)
  url?: string;

  @ApiPropertyOptional({
    ...{ minLength: 8, maxLength: 200 },
    description:
      'Of a webhook: key of the HMAC SHA-256 of each body, in the header `X-Millrace-Signature-256`.',
  })
  @MayBeAbsent()
  @IsString()
  @MinLength(8)
  @MaxLength(200)
  secret?: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: { type: 'string', maxLength: 2000 },
    maxProperties: MOST_HEADERS,
    example: { Authorization: 'Bearer …' },
    description: 'Of a webhook: headers of each request.',
  })
  @MayBeAbsent()
  @NameMap()
  headers?: NameRecord<unknown>;

  @ApiPropertyOptional({
    ...{ type: 'array', items: { type: 'string', maxLength: 320 }, maxItems: MOST_RECEIVERS },
    example: ['on-call@example.org'],
    description: 'Of the type email.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_RECEIVERS)
  @IsString({ each: true })
  @MaxLength(320, { each: true })
  to?: string[];
}

/** A channel; where it leads is not shown. */
export class ChannelResponse {
  @ApiProperty({ example: 'on-call' })
  name!: string;

  @ApiProperty({ enum: TYPES })
  type!: string;

  @ApiProperty({ description: 'Whether its requests are signed.' })
  signed!: boolean;

  @ApiProperty({ description: 'Id of the account that made it.' })
  created_by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  updated_at!: Date;
}

/** All channels of a service. */
export class ChannelListResponse {
  @ApiProperty({ type: [ChannelResponse] })
  items!: ChannelResponse[];
}

export function channelResponse(channel: Channel): ChannelResponse {
  const { name, type, signed, created_by, created_at, updated_at } = channel;
  return { name, type, signed, created_by, created_at, updated_at };
}

/** Body of `PUT /api/ci/pipelines/:id/channels/:name`. */
export class SetPipelineChannelDto extends SetChannelDto {
  @ApiPropertyOptional({
    type: 'array',
    items: { type: 'string', enum: [...TOLD_ENDS] },
    ...{ minItems: 1, maxItems: TOLD_ENDS.length, default: [...DEFAULT_ON] },
    description:
      '`failure`: an execution failed or timed out; `fixed`: the first success on the same branch after that; `success`: every success.',
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(TOLD_ENDS.length)
  @IsIn(TOLD_ENDS, { each: true })
  on?: ToldEnd[];
}

/** A channel of a pipeline; where it leads is not shown. */
export class PipelineChannelResponse extends ChannelResponse {
  @ApiProperty({ enum: TOLD_ENDS, isArray: true })
  on!: ToldEnd[];
}

/** All channels of a pipeline. */
export class PipelineChannelListResponse {
  @ApiProperty({ type: [PipelineChannelResponse] })
  items!: PipelineChannelResponse[];
}

export function pipelineChannelResponse(channel: PipelineChannel): PipelineChannelResponse {
  return { ...channelResponse(channel), on: [...channel.ends] };
}
