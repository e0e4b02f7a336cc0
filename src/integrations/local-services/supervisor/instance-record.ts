import { join } from 'node:path';
import { readPrivateFile, replacePrivateFile } from '../../../common/private-file.js';
import type { ServiceUser } from '../../../embedded/system/service-user.js';
import type { ServiceEnd } from '../local-services.js';
import { checkSpec, type CheckedSpec } from '../service-spec.js';
import type { RestartHistory } from '../../../common/restart-policy.js';

/** The process that was started last; of the boot that the record names. */
export interface Run {
  readonly pid: number;
  readonly start_ticks: number;
  /** In ISO 8601. */
  readonly started_at: string;
}

/** All that is kept of an instance, in one file. */
export interface InstanceRecord {
  readonly format: 1;
  readonly spec: CheckedSpec;
  /** As whom it runs; null: as the supervisor. */
  readonly user: ServiceUser | null;
  /** Value of `SERVICE_VARIABLE` in its processes: of no other instance, wherever it runs. */
  readonly mark: string;
  readonly wanted: 'running' | 'stopped' | 'removed';
  /** Of the boot of the host in which it was written. */
  readonly boot_id: string;
  /** `starting`: a process is about to be started, or was, and is known by its mark alone. */
  readonly run: Run | 'starting' | null;
  readonly history: RestartHistory;
  /** When it is to be started again, ms since 1970. */
  readonly next_start: number | null;
  /** Why it is not started again. */
  readonly failed: string | null;
  readonly last_exit: ServiceEnd | null;
}

const RECORD = 'record.json';

/** Writes it through to the disk, all or nothing; the folder is there. */
export function writeRecord(folder: string, record: InstanceRecord): void {
  replacePrivateFile(join(folder, RECORD), JSON.stringify(record));
}

/** Undefined: there is none. @throws when it is none of ours: somebody has changed the file */
export function readRecord(folder: string): InstanceRecord | undefined {
  const text = readPrivateFile(join(folder, RECORD));
  if (text === undefined) return undefined;
  const value = JSON.parse(text) as InstanceRecord;
  if (value.format !== 1 || typeof value.mark !== 'string') {
    throw new Error('it is no record that this release of Millrace can read');
  }
  return { ...value, spec: checkSpec(value.spec) };
}
