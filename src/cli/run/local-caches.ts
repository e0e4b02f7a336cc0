import { join } from 'node:path';
import { messageOf } from '../../common/values/error-message.js';
import { CacheStore } from '../../executions/caches/cache-store.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import { LocalCacheRecords } from './local-cache-records.js';

const DAY_MS = 86_400_000;
/** No archive takes so long to be saved, ms. */
const UNFINISHED_AFTER_MS = DAY_MS;

/** Caches of runs without a server, in a folder of the user that is made when it is needed. */
export class LocalCaches {
  readonly store: CacheStore;
  private readonly objects: ObjectStore;
  private readonly records: LocalCacheRecords;

  /** @param maxBytes of the caches of one pipeline */
  constructor(
    folder: string,
    maxBytes: number,
    private readonly report: (problem: string) => void,
  ) {
    this.objects = diskObjectStore(join(folder, 'archives'));
    this.records = new LocalCacheRecords(join(folder, 'records'), report);
    this.store = new CacheStore(this.objects, this.records, maxBytes);
  }

  /** Removes what was not used for so many days, and what killed runs have left. Never rejects. */
  async sweep(days: number): Promise<void> {
    const now = new Date();
    try {
      await this.records.removeLeft(now);
      await this.objects.abortUnfinished(UNFINISHED_AFTER_MS);
      await this.store.sweep(new Date(now.getTime() - days * DAY_MS));
    } catch (error) {
      this.report(`old caches are not removed: ${messageOf(error)}`);
    }
  }
}
