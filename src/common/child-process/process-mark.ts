import { readlinkSync } from 'node:fs';
import { isAlive, readStartTicks } from './process-stat.js';

let own: string | undefined;

/**
 * Names this process on this machine: `pid.start.namespace`, of digits and dots. Never names
 * another process, also when the pid comes round again (the start time differs) or the folder is
 * shared with a container (the pid namespace differs).
 */
export function ownProcessMark(): string {
  own ??= `${process.pid}.${readStartTicks(process.pid) ?? 0}.${pidNamespace()}`;
  return own;
}

/** Whether some process may have this mark. */
export function isProcessMark(text: string): boolean {
  return /^\d+\.\d+\.\d+$/.test(text);
}

/** 'unknown' when the mark is of another pid namespace, or is none. */
export function processState(mark: string): 'alive' | 'dead' | 'unknown' {
  const [pid = '', start, namespace] = mark.split('.');
  if (!/^\d+$/.test(pid) || namespace !== pidNamespace()) return 'unknown';
  return isAlive({ pid: Number(pid), startTicks: Number(start) }) ? 'alive' : 'dead';
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
