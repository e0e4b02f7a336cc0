import { randomUUID } from 'node:crypto';
import { type HeadCheck, type HeadStore, type SeenPush } from './head-store.js';
import { MemoryHeadStore } from './memory-head-store.fixture.js';

const [A, B] = ['a'.repeat(40), 'b'.repeat(40)] as const;

/** What the port promises, for each of its adapters. */
export function describeHeadStore(name: string, make: () => HeadStore): void {
  describe(name, () => {
    let store: HeadStore;
    let repositoryId: string;

    beforeEach(() => {
      store = make();
      repositoryId = randomUUID();
    });

    const push = (change: Partial<SeenPush> = {}): SeenPush => ({
      repositoryId,
      branch: 'main',
      commit: B,
      before: A,
      deliveryId: randomUUID(),
      isMissed: false,
      ...change,
    });
    const check = (change: Partial<HeadCheck> = {}): HeadCheck => ({
      repositoryId,
      begunAt: null,
      askedAt: new Date('2026-06-15T12:00:00Z'),
      nextAt: new Date('2026-06-15T12:10:00Z'),
      differing: new Map(),
      ...change,
    });
    const ownChecks = async (): Promise<HeadCheck[]> =>
      (await store.checks()).filter((one) => one.repositoryId === repositoryId);

    it('begins with what is there, and keeps what was recorded', async () => {
      await store.record(repositoryId, '__proto__', { commit: B, deliveryId: 'd' });
      const there = new Map([
        ['main', A],
        ['__proto__', A],
      ]);
      await store.begin(repositoryId, there);
      expect(await store.heads(repositoryId)).toEqual(
        new Map([
          ['main', { commit: A, deliveryId: null }],
          ['__proto__', { commit: B, deliveryId: 'd' }],
        ]),
      );
      await store.record(repositoryId, 'main', { commit: B, deliveryId: 'e' });
      expect((await store.heads(repositoryId)).get('main')).toEqual({ commit: B, deliveryId: 'e' });
    });

    it('forgets a branch that was deleted, not one that was made again', async () => {
      await store.begin(repositoryId, new Map([['main', B]]));
      await store.forget(repositoryId, 'main', A);
      await store.forget(repositoryId, 'main', null);
      expect((await store.heads(repositoryId)).size).toBe(1);
      await store.forget(repositoryId, 'main', B);
      expect((await store.heads(repositoryId)).size).toBe(0);
    });

    it('gives a push to one of twenty', async () => {
      const all = Array.from({ length: 20 }, () => push());
      const owners = await Promise.all(all.map((one) => store.claimPush(one)));
      expect(new Set(owners.map(({ deliveryId }) => deliveryId)).size).toBe(1);
      expect(all).toContainEqual(owners[0]);
      expect(await store.findPush(push())).toEqual(owners[0]);
      expect(await store.findPush(push({ branch: 'dev' }))).toBeUndefined();
    });

    it('has a push replaced by one of twenty, which may ask again', async () => {
      const first = await store.claimPush(push());
      const all = Array.from({ length: 20 }, () => push());
      const done = await Promise.all(all.map((one) => store.replacePush(first, one)));
      expect(done.filter(Boolean)).toHaveLength(1);
      const winner = all[done.indexOf(true)] as SeenPush;
      expect(await store.replacePush(first, winner)).toBe(true);
      expect(await store.findPush(push())).toEqual(winner);
    });

    it('gives a check to one of twenty', async () => {
      const begun = await Promise.all(
        Array.from({ length: 20 }, () => store.claimCheck(undefined, check())),
      );
      expect(begun.filter(Boolean)).toHaveLength(1);
      expect(await ownChecks()).toEqual([check()]);
      const next = check({
        begunAt: new Date(),
        askedAt: new Date(),
        differing: new Map([['a.b', A]]),
      });
      const done = await Promise.all(
        Array.from({ length: 20 }, () => store.claimCheck(check(), next)),
      );
      expect(done.filter(Boolean)).toHaveLength(1);
      expect(await ownChecks()).toEqual([next]);
    });

    it('forgets old pushes, and all of a repository', async () => {
      await store.claimPush(push());
      await store.removeBefore(new Date(Date.now() - 60_000));
      expect(await store.findPush(push())).toBeDefined();
      await store.removeBefore(new Date(Date.now() + 60_000));
      expect(await store.findPush(push())).toBeUndefined();
      await store.claimPush(push());
      await store.claimCheck(undefined, check());
      await store.begin(repositoryId, new Map([['main', A]]));
      await store.removeRepository(repositoryId);
      expect(await store.findPush(push())).toBeUndefined();
      expect(await ownChecks()).toEqual([]);
      expect((await store.heads(repositoryId)).size).toBe(0);
    });
  });
}

describeHeadStore('MemoryHeadStore', () => new MemoryHeadStore());
