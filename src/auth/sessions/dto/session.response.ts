import { ApiProperty } from '@nestjs/swagger';
import type { SessionDocument } from '../session.schema.js';
import type { SessionTokens } from '../sessions.service.js';

/** What a client gets at its log-in and at each refresh. */
export class SessionTokensResponse {
  @ApiProperty({ format: 'uuid' })
  session_id!: string;

  @ApiProperty({ description: 'For `Authorization: Bearer …`.' })
  access_token!: string;

  @ApiProperty({ enum: ['Bearer'] })
  token_type!: string;

  @ApiProperty({ type: 'integer', description: 'Seconds that the access token is good for.' })
  expires_in!: number;

  @ApiProperty({ description: 'For `POST /api/sessions/refresh`; good once.' })
  refresh_token!: string;
}

/** One log-in. */
export class SessionResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: ['browser', 'client'] })
  kind!: string;

  @ApiProperty({ description: 'What the client said of itself at the log-in.' })
  user_agent!: string;

  @ApiProperty({ description: 'Address of the client at the log-in.' })
  address!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  used_at!: Date;

  @ApiProperty({ type: String, format: 'date-time' })
  expires_at!: Date;

  @ApiProperty({ description: 'Whether it is the one that this request is of.' })
  current!: boolean;
}

export function sessionTokensResponse(tokens: SessionTokens): SessionTokensResponse {
  return {
    session_id: tokens.sessionId,
    access_token: tokens.accessToken,
    token_type: 'Bearer',
    expires_in: tokens.expiresInSeconds,
    refresh_token: tokens.refreshToken,
  };
}

export function sessionResponse(
  session: SessionDocument,
  currentId: string | undefined,
): SessionResponse {
  return {
    id: session._id,
    kind: session.kind,
    user_agent: session.user_agent,
    address: session.address,
    created_at: session.created_at,
    used_at: session.used_at,
    expires_at: session.expires_at,
    current: session._id === currentId,
  };
}
