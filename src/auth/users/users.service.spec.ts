import { standIn } from '../../../test/support/stand-in.js';
import type { AuthEvents } from '../principals/auth-events.js';
import type { UserDocument } from './user.schema.js';
import type { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

const BLOCKED_AT = new Date('2026-01-31T12:00:00.000Z');

describe('a change of a user', () => {
  let user: UserDocument;
  let told: number;
  let users: UsersService;

  beforeEach(() => {
    user = {
      _id: 'bob',
      is_admin: false,
      role: 'developer',
      blocked_at: BLOCKED_AT,
    } as unknown as UserDocument;
    told = 0;
    users = new UsersService(
      standIn<UsersRepository>({
        find: async () => user,
        change: async (_user, next) => {
          user = { ...user, ...next };
          return true;
        },
      }),
      standIn<AuthEvents>({ record: () => void told++ }),
    );
  });

  it.each([{}, { role: 'developer' }, { blocked: true }, { role: 'developer', blocked: true }])(
    'to what was so before is none: %j',
    async (change) => {
      const before = user;
      const same = await users.change('bob', change as never, 'ada');
      expect(same).toEqual({ value: before, isChanged: false });
      expect(told).toBe(0);
    },
  );

  it.each([{ role: 'viewer' }, { role: null }, { blocked: false }])(
    'is told: %j',
    async (change) => {
      const { value, isChanged } = await users.change('bob', change as never, 'ada');
      expect(value).toBe(user);
      expect(isChanged).toBe(true);
      expect(told).toBe(1);
    },
  );
});
