import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { Leases } from '../../leases/leases.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { SealedTexts } from '../record/sealed-texts.js';

const ROUND_MS = 600_000;
const TURN_MS = 60_000;
/** Longer than it takes from the sealing of a text to the record of its deployment, ms. */
const YOUNG_MS = 3_600_000;

/** Removes keys and variables once no release can serve with them, and no deployment will. */
@Injectable()
export class SealedTextsUpkeep extends BackgroundRounds {
  constructor(
    private readonly store: DeploymentStore,
    private readonly texts: SealedTexts,
    private readonly leases: Leases,
  ) {
    super({ everyMs: ROUND_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    const turn = await this.leases.take('deployment_secrets', TURN_MS);
    if (turn === undefined) return;
    try {
      const old = await this.texts.idsBefore(new Date(now - YOUNG_MS));
      if (old.length === 0) return;
      const needed = await this.store.neededTexts();
      for (const id of old) if (!needed.has(id)) await this.texts.remove(id);
    } finally {
      await turn.release();
    }
  }
}
