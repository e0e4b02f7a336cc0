import { readdir } from 'node:fs/promises';
import {
  isAlive,
  readBootId,
  readProcFile,
  readStartTicks,
} from '../../common/child-process/process-stat.js';
import { readPrivateFile, replacePrivateFile } from '../../common/private-file.js';
import type { ProcessIdentity } from './end-process.js';

interface Written extends ProcessIdentity {
  readonly bootId: string;
}

/** Writes down which process it is, for whoever comes after this process. */
export function writeIdentity(path: string, { pid, startTicks }: ProcessIdentity): void {
  const written: Written = { pid, startTicks, bootId: readBootId() };
  replacePrivateFile(path, JSON.stringify(written));
}

/** The process that was written down, where exactly it lives. */
export function livingProcess(path: string): ProcessIdentity | undefined {
  const { pid, startTicks, bootId } = parse(readPrivateFile(path));
  if (pid === undefined || startTicks === undefined || bootId !== readBootId()) return undefined;
  return isAlive({ pid, startTicks }) ? { pid, startTicks } : undefined;
}

/** A file that a crash has cut off says nothing. */
function parse(text: string | undefined): Partial<Written> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/**
 * Processes whose command line ends with these arguments: one that was started in the moment in
 * which its starter died is written down nowhere.
 */
export async function processesWithArguments(args: readonly string[]): Promise<ProcessIdentity[]> {
  const end = ['', ...args, ''].join('\0');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.flatMap((pid) => {
    const startTicks = readStartTicks(pid);
    const line = readProcFile(`/proc/${pid}/cmdline`);
    if (startTicks === undefined || line?.endsWith(end) !== true) return [];
    return isAlive({ pid, startTicks }) ? [{ pid, startTicks }] : [];
  });
}
