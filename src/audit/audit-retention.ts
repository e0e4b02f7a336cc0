import { Injectable } from '@nestjs/common';
import { Audit, SYSTEM_ACTOR } from '../common/audit/audit.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { BackgroundRounds } from '../integrations/database/background-rounds.js';
import { AuditStore } from './audit-store.js';

const ROUND_MS = 6 * 3600 * 1000;
const FIRST_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;
/** Records that are removed at once. */
const STEP = 10_000;

/**
 * Removes records at their age, from the beginning of the chain on: what is left is one piece, and
 * its anchor says where it begins. In every API process and without a leader: two of them remove
 * the same. The newest record stays, however old it is.
 */
@Injectable()
export class AuditRetention extends BackgroundRounds {
  constructor(
    private readonly config: MillraceConfig,
    private readonly store: AuditStore,
    private readonly audit: Audit,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: FIRST_MS, unref: true });
  }

  protected override get isWanted(): boolean {
    return this.config.auditRetention > 0;
  }

  protected async work(now: number): Promise<void> {
    await this.removeBefore(new Date(now - this.config.auditRetention * DAY_MS));
  }

  private async removeBefore(time: Date): Promise<void> {
    const { seq: newest } = await this.store.end();
    const first = (await this.store.firstSince(time)) ?? newest;
    let removedUpTo = (await this.store.anchor())?.seq ?? 0;
    while (removedUpTo < first - 1 && !this.isStopping) {
      const seq = Math.min(first - 1, removedUpTo + STEP);
      const [record] = await this.store.following(seq - 1, 1);
      if (record?.seq !== seq) {
        this.logger.error({ seq }, 'an audit record is missing: retention stops; verify the audit');
        return;
      }
      const { hash } = record;
      if (await this.store.removeUpTo({ seq, hash })) {
        const details = { from: removedUpTo + 1, to: seq, hash };
        this.audit.note({ action: 'audit.retention', actor: SYSTEM_ACTOR, details });
      }
      removedUpTo = seq;
    }
  }
}
