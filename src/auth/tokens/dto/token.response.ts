import { ApiProperty } from '@nestjs/swagger';
import { SCOPES } from '../../policy/policy.js';
import type { TokenDocument } from '../token.schema.js';
import type { MadeToken } from '../tokens.service.js';

/** A token, without what it is known by. */
export class TokenResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'laptop' })
  name!: string;

  @ApiProperty({
    enum: Object.keys(SCOPES),
    isArray: true,
    description: 'Of these, it has those that the role of its owner has now.',
  })
  scopes!: string[];

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ description: 'Id of whoever made it.' })
  created_by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  expires_at!: Date;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'To within five minutes; null: never used.',
  })
  used_at!: Date | null;
}

export class MadeTokenResponse extends TokenResponse {
  @ApiProperty({ description: 'The token, shown this once: for `Authorization: Bearer …`.' })
  token!: string;
}

export function tokenResponse(token: TokenDocument): TokenResponse {
  return {
    id: token._id,
    name: token.name,
    scopes: [...token.scopes],
    created_at: token.created_at,
    created_by: token.created_by,
    expires_at: token.expires_at,
    used_at: token.used_at,
  };
}

export function madeTokenResponse({ document, text }: MadeToken): MadeTokenResponse {
  return { ...tokenResponse(document), token: text };
}
