import { uuidV7 } from '../common/ids/uuid.js';
import { type Environment, NO_LIMITS } from './environment.js';
import type { EnvironmentStore } from './environment-store.js';
import { MemoryEnvironmentStore } from './memory-environment-store.fixture.js';

/** What every adapter of `EnvironmentStore` does. */
export function describeEnvironmentStore(title: string, store: () => EnvironmentStore): void {
  describe(`${title} as EnvironmentStore`, () => {
    let name: string;
    beforeEach(() => {
      name = `e-${uuidV7()}`;
    });
    const environment = (more: Partial<Environment> = {}): Environment => ({
      ...{ _id: name, ...NO_LIMITS, updated_by: 'ada' },
      ...{ created_at: new Date(1), updated_at: new Date(1), ...more },
    });
    const people = { users: [{ id: 'u1', login: 'bob' }], roles: ['admin'] } as const;

    it('keeps what it was given, and null too', async () => {
      expect(await store().find(name)).toBeUndefined();
      const full = environment({
        ...{ deployers: people, approvers: people, required: 2, wait: 60 },
        ...{ branches: ['main', 'release/*'], allow_self: true },
      });
      expect(await store().put(full)).toEqual(full);
      expect(await store().find(name)).toEqual(full);
      const open = environment();
      await store().put(open);
      expect(await store().find(name)).toEqual(open);
    });

    it('replaces all but when it was made', async () => {
      await store().put(environment({ required: 1, approvers: people }));
      const later = { created_at: new Date(5), updated_at: new Date(5), updated_by: 'bob' };
      const stored = await store().put(environment(later));
      expect(stored).toEqual(environment({ ...later, created_at: new Date(1) }));
      expect(await store().find(name)).toEqual(stored);
    });

    it('takes puts at the same time, and lists by name', async () => {
      const other = `${name}-b`;
      await store().put(environment({ _id: other }));
      await Promise.all([1, 2, 3].map((required) => store().put(environment({ required }))));
      const own = (await store().list()).filter(({ _id }) => _id.startsWith(name));
      expect(own.map(({ _id }) => _id)).toEqual([name, other]);
    });

    it('removes once', async () => {
      await store().put(environment());
      expect([await store().remove(name), await store().remove(name)]).toEqual([true, false]);
      expect(await store().find(name)).toBeUndefined();
    });
  });
}

const memory = new MemoryEnvironmentStore();
describeEnvironmentStore('MemoryEnvironmentStore', () => memory);
