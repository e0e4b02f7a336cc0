import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { ObjectStore } from '../../integrations/object-store/object-store.js';
import { ArtifactsRepository } from './artifacts.repository.js';

const EVERY_MS = 60_000;
const AT_ONCE = 1_000;

/** Removes artifacts whose `expire_in` is over. Any number of processes may do so. */
@Injectable()
export class ExpiredArtifacts extends BackgroundRounds {
  constructor(
    private readonly artifacts: ArtifactsRepository,
    private readonly objects: ObjectStore,
  ) {
    super({ everyMs: EVERY_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    await this.remove(new Date(now));
  }

  /** All files of a try expire at once, and so does the archive that holds them. */
  async remove(now: Date): Promise<number> {
    let removed = 0;
    for (;;) {
      const expired = await this.artifacts.expired(now, AT_ONCE);
      for (const key of new Set(expired.map(({ objectKey }) => objectKey))) {
        await this.objects.delete(key);
      }
      await this.artifacts.remove(expired.map(({ id }) => id));
      removed += expired.length;
      if (expired.length < AT_ONCE) return removed;
    }
  }
}
