import { SYSTEM_ACTOR, type AuditEntry } from '../common/audit/audit.js';

const WINDOW_MS = 60_000;
/** Different ones of a window, of each kind of sender; those beyond are one. */
const MAX_KEYS = 50;

interface Counted {
  readonly entry: AuditEntry;
  readonly since: string;
  more: number;
}

/**
 * Entries that anybody can cause as often as they like: the first of its key is passed on at once,
 * the rest of a minute together, with their number. So many keys are kept apart that those who are
 * known and those who are not have room of their own; what is beyond is counted together.
 */
export class RepeatedEntries {
  private readonly counted = new Map<string, Counted>();
  private readonly keys = { known: 0, unknown: 0 };
  private readonly beyond = { known: 0, unknown: 0 };
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly tell: (entry: AuditEntry) => void) {}

  add(key: string, entry: AuditEntry): void {
    this.timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref();
    const known = this.counted.get(key);
    if (known !== undefined) {
      known.more += 1;
      return;
    }
    const sender = entry.actor.kind === 'unknown' ? 'unknown' : 'known';
    if (this.keys[sender] >= MAX_KEYS) {
      this.beyond[sender] += 1;
      return;
    }
    this.keys[sender] += 1;
    this.counted.set(key, { entry, since: new Date().toISOString(), more: 0 });
    this.tell(entry);
  }

  /** Ends the window. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const { entry, since, more } of this.counted.values()) {
      if (more === 0) continue;
      this.tell({ ...entry, details: { ...entry.details, repeated: more, since } });
    }
    for (const sender of ['known', 'unknown'] as const) {
      const repeated = this.beyond[sender];
      if (repeated > 0) this.tell(manyMore(repeated, sender));
      this.beyond[sender] = 0;
      this.keys[sender] = 0;
    }
    this.counted.clear();
  }
}

function manyMore(repeated: number, senders: string): AuditEntry {
  return {
    action: 'requests.call',
    actor: SYSTEM_ACTOR,
    outcome: 'refused',
    reason: 'many_senders',
    details: { repeated, senders },
  };
}
