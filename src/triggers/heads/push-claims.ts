import { Injectable } from '@nestjs/common';
import type { ForgeEvent } from '../../integrations/forge/forge-event.js';
import type { DeliveryDocument } from '../deliveries/delivery.schema.js';
import { HeadStore, type SeenPush } from './head-store.js';

/** Pushes of a branch that are looked at, to see whether one commit came to it twice. */
const MOST_STEPS = 200;

/**
 * Of a webhook and a comparison of heads that tell of the same push, one decides; and what the
 * branches had last is noted, for the next comparison.
 */
@Injectable()
export class PushClaims {
  constructor(private readonly store: HeadStore) {}

  /**
   * Whether this delivery decides about its push. Undefined: it does; else the delivery that does.
   * May be asked again.
   */
  async claim(delivery: DeliveryDocument, event: ForgeEvent): Promise<string | undefined> {
    const push = pushOf(delivery, event);
    if (push === undefined) return undefined;
    for (;;) {
      const there = await this.store.claimPush(push);
      if (there.deliveryId === push.deliveryId) return undefined;
      // Webhooks are known by their ids and contents.
      const isSame = (there.isMissed || push.isMissed) && !(await this.cameAgain(push, there));
      if (isSame) return there.deliveryId;
      if (await this.store.replacePush(there, push)) return undefined;
    }
  }

  /**
   * Notes what the branch has now, when the delivery is decided; also of a missed push that another
   * delivery has decided. Idempotent.
   */
  async note(delivery: DeliveryDocument, event: ForgeEvent): Promise<void> {
    const { repository_id: repositoryId, _id: deliveryId } = delivery;
    const { kind, branch, commit, before } = event;
    if (kind !== 'push' || branch === null || repositoryId === null) return;
    if (!isFirst(delivery)) return;
    if (commit === null) await this.store.forget(repositoryId, branch, before);
    else await this.store.record(repositoryId, branch, { commit, deliveryId });
  }

  /**
   * Whether the branch has had another commit since the push that is there, by pushes that were
   * decided after it. Where nobody can tell, it has not: one commit starts once.
   */
  private async cameAgain(push: SeenPush, there: SeenPush): Promise<boolean> {
    let { before } = push;
    for (let steps = 0; before !== null && steps < MOST_STEPS; steps++) {
      const earlier = await this.store.findPush({ ...push, commit: before });
      // Ids rise with time.
      if (earlier === undefined || earlier.deliveryId < there.deliveryId) return false;
      if (earlier.before === push.commit) return true;
      ({ before } = earlier);
    }
    return false;
  }
}

/** Neither decided once more nor only shown. */
function isFirst({ replay_of: replayOf, dry_run: isDryRun }: DeliveryDocument): boolean {
  return replayOf === undefined && isDryRun !== true;
}

function pushOf(delivery: DeliveryDocument, event: ForgeEvent): SeenPush | undefined {
  const { kind, branch, commit, before } = event;
  const { repository_id: repositoryId } = delivery;
  if (kind !== 'push' || branch === null || commit === null) return undefined;
  if (repositoryId === null || !isFirst(delivery)) return undefined;
  return {
    repositoryId,
    branch,
    commit,
    before,
    deliveryId: delivery._id,
    isMissed: delivery.kind === 'missed_push',
  };
}
