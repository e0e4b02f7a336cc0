import { randomBytes } from 'node:crypto';
import { within } from '../../../common/async/within.js';
import { Installation } from '../../../common/installation.js';
import type { InstallationStore } from './installation-store.js';

const ID_BYTES = 8;
/** For the first connection, ms: a process starts without a database, only a little later. */
const REACH_MS = 3_000;

/** The id as the store has it; asked for once, and again only where that failed. */
export class StoredInstallation extends Installation {
  private known: Promise<string> | undefined;

  /** @param reach resolves once the store can be asked; never rejects, may take for ever */
  constructor(
    private readonly store: InstallationStore,
    private readonly reach: () => Promise<void>,
  ) {
    super();
  }

  id(): Promise<string> {
    if (this.known === undefined) {
      const known = this.claim();
      this.known = known;
      known.catch(() => (this.known = undefined));
    }
    return this.known;
  }

  private async claim(): Promise<string> {
    await within(REACH_MS, this.reach(), () => undefined);
    return this.store.claim(randomBytes(ID_BYTES).toString('hex'));
  }
}
