import { type HeadCheck, HeadStore, type SeenHead, type SeenPush } from './head-store.js';

type PushPlace = Pick<SeenPush, 'repositoryId' | 'branch' | 'commit'>;

/** Heads and pushes in memory. */
export class MemoryHeadStore extends HeadStore {
  private readonly allHeads = new Map<string, Map<string, SeenHead>>();
  private readonly pushes = new Map<string, { readonly push: SeenPush; readonly at: number }>();
  private readonly allChecks = new Map<string, HeadCheck>();

  async heads(repositoryId: string): Promise<ReadonlyMap<string, SeenHead>> {
    return new Map(this.of(repositoryId));
  }

  async begin(repositoryId: string, heads: ReadonlyMap<string, string>): Promise<void> {
    const own = this.of(repositoryId);
    for (const [branch, commit] of heads) {
      if (!own.has(branch)) own.set(branch, { commit, deliveryId: null });
    }
  }

  async record(repositoryId: string, branch: string, head: SeenHead): Promise<void> {
    this.of(repositoryId).set(branch, head);
  }

  async forget(repositoryId: string, branch: string, commit: string | null): Promise<void> {
    const own = this.of(repositoryId);
    if (own.get(branch)?.commit === commit) own.delete(branch);
  }

  async claimPush(push: SeenPush): Promise<SeenPush> {
    const there = this.pushes.get(keyOf(push));
    if (there) return there.push;
    this.pushes.set(keyOf(push), { push, at: Date.now() });
    return push;
  }

  async replacePush(seen: SeenPush, push: SeenPush): Promise<boolean> {
    const there = this.pushes.get(keyOf(push))?.push.deliveryId;
    if (there === seen.deliveryId) this.pushes.set(keyOf(push), { push, at: Date.now() });
    return there === seen.deliveryId || there === push.deliveryId;
  }

  async findPush(place: PushPlace): Promise<SeenPush | undefined> {
    return this.pushes.get(keyOf(place))?.push;
  }

  async checks(): Promise<HeadCheck[]> {
    return [...this.allChecks.values()];
  }

  async claimCheck(seen: HeadCheck | undefined, check: HeadCheck): Promise<boolean> {
    const there = this.allChecks.get(check.repositoryId);
    const isAsSeen =
      there?.askedAt.getTime() === seen?.askedAt.getTime() &&
      there?.nextAt.getTime() === seen?.nextAt.getTime();
    if (isAsSeen) this.allChecks.set(check.repositoryId, check);
    return isAsSeen;
  }

  async removeRepository(repositoryId: string): Promise<void> {
    this.allHeads.delete(repositoryId);
    this.allChecks.delete(repositoryId);
    for (const [key, { push }] of this.pushes) {
      if (push.repositoryId === repositoryId) this.pushes.delete(key);
    }
  }

  async removeBefore(time: Date): Promise<void> {
    for (const [key, { at }] of this.pushes) if (at < time.getTime()) this.pushes.delete(key);
  }

  private of(repositoryId: string): Map<string, SeenHead> {
    const own = this.allHeads.get(repositoryId) ?? new Map<string, SeenHead>();
    this.allHeads.set(repositoryId, own);
    return own;
  }
}

function keyOf({ repositoryId, branch, commit }: PushPlace): string {
  return JSON.stringify([repositoryId, branch, commit]);
}
