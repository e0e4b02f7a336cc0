import type { MillraceConfig } from '../../config/millrace-config.js';
import type { Role } from '../policy/policy.js';
import type { Credential, Who } from '../principals/principal.js';
import type { UserDocument } from './user.schema.js';

/** The role that a user has now. */
export function roleOfUser(
  user: Pick<UserDocument, 'is_admin' | 'role'>,
  { defaultRole }: Pick<MillraceConfig, 'defaultRole'>,
): Role {
  return user.is_admin ? 'admin' : (user.role ?? defaultRole);
}

/** Whether what was made in a generation of a user's credentials is good. */
export function isUsable(user: UserDocument | undefined, generation: number): user is UserDocument {
  return user !== undefined && user.blocked_at === null && user.generation === generation;
}

export function whoOfUser(user: UserDocument, role: Role, credential: Credential): Who {
  return { id: user._id, kind: 'user', role, name: user.login, credential };
}
