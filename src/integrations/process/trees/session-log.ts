import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'audit-sessions';
/** Says that a tree was started without an audit session. */
const NONE = '-';
/** Size at which those of forgotten trees are dropped. */
const COMPACT_BYTES = 64 * 1024;

/** What a launcher wrote down about the audit sessions of its trees. */
export interface RecordedSessions {
  readonly sessions: ReadonlySet<number>;
  /** Every tree of it had one. */
  readonly isExact: boolean;
}

/**
 * File in the launcher's folder with the audit sessions that it began, each written before the
 * first process is in it: a launcher that is killed leaves it to whoever ends its trees. An append
 * of a line costs 5 µs.
 */
export class SessionLog {
  private descriptor: number | undefined;
  private bytes = 0;

  constructor(
    private readonly folder: string,
    /** The audit sessions of the trees that are not forgotten. */
    private readonly living: () => readonly number[],
  ) {}

  begin(): void {
    this.descriptor = openSync(join(this.folder, FILE), 'a', 0o600);
  }

  add(session: number | undefined): void {
    if (this.descriptor === undefined) return;
    if (this.bytes > COMPACT_BYTES) this.compact();
    this.bytes += writeSync(this.descriptor, `${session ?? NONE}\n`);
  }

  private compact(): void {
    const path = join(this.folder, FILE);
    const { isExact } = readSessions(this.folder) ?? { isExact: false };
    const lines = [...this.living().map(String), ...(isExact ? [] : [NONE])];
    writeFileSync(`${path}.new`, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    const descriptor = openSync(`${path}.new`, 'a');
    renameSync(`${path}.new`, path);
    closeSync(this.descriptor as number);
    this.descriptor = descriptor;
    // Counted from here: many living trees must not make every call a compaction.
    this.bytes = 0;
  }
}

/**
 * Undefined for a launcher without audit sessions. A line that was cut off by a kill had no process
 * yet.
 */
export function readSessions(folder: string): RecordedSessions | undefined {
  let text: string;
  try {
    text = readFileSync(join(folder, FILE), 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const lines = text.split('\n').slice(0, -1);
  return {
    sessions: new Set(lines.filter((line) => line !== NONE).map(Number)),
    isExact: !lines.includes(NONE),
  };
}
