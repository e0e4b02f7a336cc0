import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';
import { LOGIN_FORGES } from '../../../config/login-values.js';
import { ROLE_LADDER, type Role } from '../../policy/policy.js';
import type { UserDocument } from '../user.schema.js';

/** Body of `PATCH /api/users/:id`. */
export class ChangeUserDto {
  @ApiPropertyOptional({
    enum: ROLE_LADDER,
    nullable: true,
    description: 'null: DEFAULT_ROLE of the configuration.',
  })
  @IsOptional()
  @IsIn(ROLE_LADDER)
  role?: Role | null;

  @ApiPropertyOptional({
    description: 'true ends all sessions and personal tokens, and refuses log-ins.',
  })
  @MayBeAbsent()
  @IsBoolean()
  blocked?: boolean;
}

/** Somebody who has logged in. */
export class UserResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ enum: LOGIN_FORGES })
  forge!: string;

  @ApiProperty({ example: 'github.com' })
  host!: string;

  @ApiProperty({ description: 'Log-in name at the forge, at the last log-in.' })
  login!: string;

  @ApiProperty({ type: String, nullable: true })
  name!: string | null;

  @ApiProperty({ enum: ROLE_LADDER })
  role!: string;

  @ApiProperty({ description: 'Whether ADMIN_LOGINS names the account.' })
  is_admin_by_configuration!: boolean;

  @ApiProperty()
  blocked!: boolean;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;
}

/** @param role the one that the user has now */
export function userResponse(user: UserDocument, role: Role): UserResponse {
  return {
    id: user._id,
    forge: user.forge,
    host: user.host,
    login: user.login,
    name: user.name,
    role,
    is_admin_by_configuration: user.is_admin,
    blocked: user.blocked_at !== null,
    created_at: user.created_at,
  };
}
