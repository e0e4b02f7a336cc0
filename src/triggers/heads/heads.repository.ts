import { createHash } from 'node:crypto';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { type HeadCheck, HeadStore, type SeenHead, type SeenPush } from './head-store.js';
import type { HeadCheckDocument, HeadDocument, PushDocument } from './head.schema.js';

const RETRY = { deadlineMs: 5000 } as const;

/** The collections `branch_heads`, `seen_pushes` and `head_checks`. */
export class HeadsRepository extends HeadStore {
  constructor(
    private readonly branchHeads: Model<HeadDocument>,
    private readonly pushes: Model<PushDocument>,
    private readonly headChecks: Model<HeadCheckDocument>,
  ) {
    super();
  }

  async heads(repositoryId: string): Promise<ReadonlyMap<string, SeenHead>> {
    const rows = await databaseRetry(
      () => this.branchHeads.find({ repository_id: repositoryId }).lean<HeadDocument[]>().exec(),
      RETRY,
    );
    return new Map(
      rows.map(({ branch, commit, delivery_id: deliveryId }) => [branch, { commit, deliveryId }]),
    );
  }

  async begin(repositoryId: string, heads: ReadonlyMap<string, string>): Promise<void> {
    for (const [branch, commit] of heads) {
      const head = headDocument(repositoryId, branch, { commit, deliveryId: null });
      await databaseRetry(() => once(() => this.branchHeads.insertOne(head)), RETRY);
    }
  }

  async record(repositoryId: string, branch: string, head: SeenHead): Promise<void> {
    const document = headDocument(repositoryId, branch, head);
    const { _id, commit, delivery_id } = document;
    const update = async (): Promise<boolean> => {
      const set = { commit, delivery_id };
      return (await this.branchHeads.updateOne({ _id }, { $set: set }).exec()).matchedCount > 0;
    };
    await databaseRetry(async () => {
      if (await update()) return;
      if (!(await once(() => this.branchHeads.insertOne(document)))) await update();
    }, RETRY);
  }

  async forget(repositoryId: string, branch: string, commit: string | null): Promise<void> {
    if (commit === null) return;
    const asItWas = { _id: idOf(repositoryId, branch), commit };
    await databaseRetry(() => this.branchHeads.deleteOne(asItWas).exec(), RETRY);
  }

  async claimPush(push: SeenPush): Promise<SeenPush> {
    return databaseRetry(async () => {
      if (await once(() => this.pushes.insertOne(pushDocument(push)))) return push;
      return (await this.read(push)) ?? push;
    }, RETRY);
  }

  async replacePush(seen: SeenPush, push: SeenPush): Promise<boolean> {
    const { _id, ...set } = pushDocument(push);
    return databaseRetry(async () => {
      const asSeen = { _id, delivery_id: seen.deliveryId };
      await this.pushes.updateOne(asSeen, { $set: set }).exec();
      return (await this.read(push))?.deliveryId === push.deliveryId;
    }, RETRY);
  }

  findPush(
    push: Pick<SeenPush, 'repositoryId' | 'branch' | 'commit'>,
  ): Promise<SeenPush | undefined> {
    return databaseRetry(() => this.read(push), RETRY);
  }

  async checks(): Promise<HeadCheck[]> {
    const rows = await databaseRetry(
      () => this.headChecks.find({}).lean<HeadCheckDocument[]>().exec(),
      RETRY,
    );
    return rows.map((row) => ({
      repositoryId: row._id,
      begunAt: row.begun_at,
      askedAt: row.asked_at,
      nextAt: row.next_at,
      differing: new Map(JSON.parse(row.differing) as [string, string][]),
    }));
  }

  async claimCheck(seen: HeadCheck | undefined, check: HeadCheck): Promise<boolean> {
    const set = {
      begun_at: check.begunAt,
      asked_at: check.askedAt,
      next_at: check.nextAt,
      differing: JSON.stringify([...check.differing]),
    };
    const { repositoryId: _id } = check;
    return databaseRetry(async () => {
      if (seen === undefined) return once(() => this.headChecks.insertOne({ _id, ...set }));
      const asSeen = { _id, asked_at: seen.askedAt, next_at: seen.nextAt };
      const { modifiedCount } = await this.headChecks.updateOne(asSeen, { $set: set }).exec();
      return modifiedCount === 1;
    }, RETRY);
  }

  async removeRepository(repositoryId: string): Promise<void> {
    const own = { repository_id: repositoryId };
    await databaseRetry(() => this.branchHeads.deleteMany(own).exec(), RETRY);
    await databaseRetry(() => this.pushes.deleteMany(own).exec(), RETRY);
    await databaseRetry(() => this.headChecks.deleteOne({ _id: repositoryId }).exec(), RETRY);
  }

  async removeBefore(time: Date): Promise<void> {
    await databaseRetry(() => this.pushes.deleteMany({ at: { $lt: time } }).exec(), RETRY);
  }

  private async read({
    repositoryId,
    branch,
    commit,
  }: Pick<SeenPush, 'repositoryId' | 'branch' | 'commit'>): Promise<SeenPush | undefined> {
    const id = idOf(repositoryId, branch, commit);
    const found = await this.pushes.findById(id).lean<PushDocument>().exec();
    if (!found) return undefined;
    const { before, delivery_id: deliveryId, missed: isMissed } = found;
    return { repositoryId, branch, commit, before, deliveryId, isMissed };
  }
}

/** False: it was there. */
async function once(insert: () => Promise<unknown>): Promise<boolean> {
  try {
    await insert();
    return true;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    return false;
  }
}

function headDocument(repositoryId: string, branch: string, head: SeenHead): HeadDocument {
  const { commit, deliveryId } = head;
  const _id = idOf(repositoryId, branch);
  return { _id, repository_id: repositoryId, branch, commit, delivery_id: deliveryId };
}

function pushDocument(push: SeenPush): PushDocument {
  const { repositoryId, branch, commit, before, deliveryId, isMissed } = push;
  return {
    _id: idOf(repositoryId, branch, commit),
    repository_id: repositoryId,
    branch,
    commit,
    before,
    delivery_id: deliveryId,
    missed: isMissed,
    at: new Date(),
  };
}

function idOf(repositoryId: string, ...parts: readonly string[]): string {
  // No name of a branch holds a line break.
  const digest = createHash('sha256').update(parts.join('\n')).digest('hex');
  return `${repositoryId}:${digest}`;
}
