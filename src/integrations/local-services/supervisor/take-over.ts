import type { ProcessIdentity } from '../../../embedded/system/end-process.js';
import type { InstanceRecord } from './instance-record.js';

/** What a supervisor that was just started does about an instance. */
export type TakeOver =
  /** Its process runs, and is watched from now on. */
  | { readonly kind: 'adopt'; readonly process: ProcessIdentity }
  /** A process may have been started in the moment in which the supervisor before died. */
  | { readonly kind: 'look_for_it' }
  /** It ended meanwhile. */
  | { readonly kind: 'ended' }
  /** It waits for its next start. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** The host was started again: it begins again. */
  | { readonly kind: 'begin_again' }
  /** It was being stopped, or removed. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'remove' }
  | { readonly kind: 'rest' };

/** What is true of the host now. */
export interface HostNow {
  readonly bootId: string;
  /** ms since 1970 */
  readonly now: number;
  /** Whether exactly this process lives, of this boot. */
  readonly isAlive: (process: ProcessIdentity) => boolean;
}

/** Decides by what was written down. Pids of an earlier boot mean nothing. */
export function decideTakeOver(record: InstanceRecord, host: HostNow): TakeOver {
  const isThisBoot = record.boot_id === host.bootId;
  if (record.wanted === 'removed') return { kind: 'remove' };
  if (record.wanted === 'stopped') {
    return { kind: isThisBoot && record.run !== null ? 'stop' : 'rest' };
  }
  if (!isThisBoot) return { kind: 'begin_again' };
  const { run } = record;
  if (run === 'starting') return { kind: 'look_for_it' };
  if (run !== null) {
    const process = { pid: run.pid, startTicks: run.start_ticks };
    return host.isAlive(process) ? { kind: 'adopt', process } : { kind: 'ended' };
  }
  if (record.failed !== null) return { kind: 'rest' };
  const left = (record.next_start ?? host.now) - host.now;
  // The clock may have been put back meanwhile.
  return { kind: 'wait', ms: Math.min(Math.max(left, 0), record.spec.restart.backoff_ms.most) };
}
