import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chmodSync } from 'node:fs';

/** What a step noted when it started. */
export interface LedgerEntry {
  readonly execution: string;
  readonly step: string;
  /** `CI_ATTEMPT`, such as `2.1`. */
  readonly attempt: string;
  readonly pid: number;
}

/**
 * A file outside Millrace to which steps append what they do (O_APPEND, one short write a line), so
 * that a test need not believe what Millrace says about itself.
 */
export class Ledger {
  private constructor(
    private readonly folder: string,
    readonly file: string,
  ) {}

  static async open(): Promise<Ledger> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-ledger-'));
    // Steps may run as another user.
    chmodSync(folder, 0o777);
    return new Ledger(folder, join(folder, 'ledger'));
  }

  /** Shell command by which a step notes its start. */
  get note(): string {
    return `umask 0; echo "$CI_EXECUTION_ID $CI_STEP $CI_ATTEMPT $$" >> ${this.file}`;
  }

  /** A file beside it, outside Millrace too. */
  path(name: string): string {
    return join(this.folder, '/', name);
  }

  async entries(): Promise<LedgerEntry[]> {
    const text = await readFile(this.file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [execution = '', step = '', attempt = '', pid = ''] = line.split(' ');
        return { execution, step, attempt, pid: Number(pid) };
      });
  }

  /** I3: each (execution, step, attempt) started at most once. */
  async doubles(): Promise<string[]> {
    const seen = new Set<string>();
    const doubles: string[] = [];
    for (const { execution, step, attempt } of await this.entries()) {
      const key = `${execution} ${step} ${attempt}`;
      if (seen.has(key)) doubles.push(key);
      seen.add(key);
    }
    return doubles;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
