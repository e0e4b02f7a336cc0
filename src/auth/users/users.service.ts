import { Injectable } from '@nestjs/common';
import { conflict, notFound, type MillraceError } from '../../common/errors/millrace.error.js';
import type { Changed } from '../../common/audit/changed.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import type { Role } from '../policy/policy.js';
import { AuthEvents } from '../principals/auth-events.js';
import type { UserDocument } from './user.schema.js';
import { UsersRepository } from './users.repository.js';

export interface UserChange {
  /** Null: that of the configuration. */
  readonly role?: Role | null;
  readonly blocked?: boolean;
}

/** Who has logged in, and what administrators change of them. */
@Injectable()
export class UsersService {
  constructor(
    private readonly users: UsersRepository,
    private readonly events: AuthEvents,
  ) {}

  async list(page: PageRequest): Promise<Page<UserDocument>> {
    return this.users.list(page);
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<UserDocument> {
    const user = await this.users.find(id);
    if (user === undefined) throw notFound('user', id);
    return user;
  }

  /**
   * A role counts from the next request on; a block ends all sessions and personal tokens.
   * @throws NotFoundError, ConflictError for oneself and for whom the configuration names
   */
  async change(id: string, change: UserChange, by: string): Promise<Changed<UserDocument>> {
    for (;;) {
      const user = await this.get(id);
      if (id === by) throw oneself();
      if (user.is_admin) throw namedByConfiguration(user);
      const isBlocked = user.blocked_at !== null;
      const blocked = change.blocked ?? isBlocked;
      const role = change.role === undefined ? user.role : change.role;
      if (role === user.role && blocked === isBlocked) return { value: user, isChanged: false };
      const next = {
        role,
        blocked_at: blocked ? (user.blocked_at ?? new Date()) : null,
      };
      // Not as it was seen: somebody else has changed it, so it is looked at again.
      if (!(await this.users.change(user, next, blocked && !isBlocked))) continue;
      this.events.record({ kind: 'user_changed', userId: id, by });
      return { value: await this.get(id), isChanged: true };
    }
  }
}

/** 409 */
export function oneself(): MillraceError {
  return conflict('Nobody changes their own role, or blocks themselves.', {
    suggestions: ['Ask another administrator.'],
  });
}

/** 409 */
export function namedByConfiguration({ login }: Pick<UserDocument, 'login'>): MillraceError {
  return conflict(`ADMIN_LOGINS names ${login}.`, {
    suggestions: ['Take the name out of ADMIN_LOGINS and start the server again.'],
  });
}
