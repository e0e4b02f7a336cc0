import { ApiProperty } from '@nestjs/swagger';
import { ROLES, SCOPES } from '../../policy/policy.js';
import type { Principal } from '../../principals/principal.js';

/** Who sends the request. */
export class MeResponse {
  @ApiProperty({ example: 'token', description: 'What executions and logs name.' })
  id!: string;

  @ApiProperty({ enum: ['token', 'anonymous', 'user', 'service_account'] })
  kind!: string;

  @ApiProperty({ type: String, nullable: true, description: 'Log-in name at the forge.' })
  name!: string | null;

  @ApiProperty({ enum: ROLES })
  role!: string;

  @ApiProperty({ enum: Object.keys(SCOPES), isArray: true })
  scopes!: string[];

  @ApiProperty({ type: String, format: 'uuid', nullable: true })
  session_id!: string | null;

  @ApiProperty({
    type: String,
    nullable: true,
    description:
      'Of the session of a browser: send it as `X-CSRF-Token` with every request that changes something.',
  })
  csrf_token!: string | null;
}

export function meResponse(principal: Principal, csrfToken: string | null): MeResponse {
  const { id, kind, name, role, scopes, credential } = principal;
  return {
    id,
    kind,
    name: name ?? null,
    role,
    scopes: [...scopes].sort(),
    session_id: credential?.kind === 'session' ? credential.id : null,
    csrf_token: csrfToken,
  };
}
