import { readFileSync, readlinkSync } from 'node:fs';

let own: string | undefined;

/**
 * Names this process on this machine: `pid.start.namespace`, of digits and dots. Never names another process, also when
 * the pid comes round again (the start time differs) or the folder is shared with a container (the pid namespace differs).
 */
export function ownProcessMark(): string {
  own ??= `${process.pid}.${startTime(process.pid) ?? '0'}.${pidNamespace()}`;
  return own;
}

/** 'unknown' when the mark is of another pid namespace, or is none. */
export function processState(mark: string): 'alive' | 'dead' | 'unknown' {
  const [pid = '', start, namespace] = mark.split('.');
  if (!/^\d+$/.test(pid) || namespace !== pidNamespace()) return 'unknown';
  return startTime(Number(pid)) === start ? 'alive' : 'dead';
}

/** In ticks since the machine started (proc(5), field 22 of `stat`). undefined when there is no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie holds nothing any more.
    return state === 'Z' || state === 'X' ? undefined : rest[18];
  } catch {
    return undefined;
  }
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
