import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { readCapabilities } from '../trees/process-table.js';
import type { SessionLog } from '../trees/session-log.js';

/**
 * Bit of the capability without which a process's audit session stays as it is, for good; see
 * capabilities(7).
 */
const CAP_AUDIT_CONTROL = 30n;

/**
 * Names that a process cannot lose at all. Writing `/proc/self/loginuid` begins a new audit
 * session, as the login programs and cron do for every session and job: the kernel gives it a
 * number (`/proc/PID/sessionid`) that no other has until the next boot, every child inherits it,
 * and nobody without CAP_AUDIT_CONTROL, in a user namespace neither, can change it. 3 µs.
 *
 * Only for a root launcher whose steps are another user: a step that is root could change it.
 */
export class AuditSessions {
  private readonly buffer = Buffer.alloc(16);
  private isBroken = false;

  private constructor(
    private readonly loginUid: number,
    private readonly loginDescriptor: number,
    private readonly sessionDescriptor: number,
    private readonly log: SessionLog,
  ) {}

  /**
   * Undefined where there are none: not root, no kernel audit, a container without the capability.
   */
  static open(stepUid: number | undefined, log: SessionLog): AuditSessions | undefined {
    if (!stepUid || !hasAuditControl()) return undefined;
    const descriptors = openForSessions();
    if (descriptors === undefined) return undefined;
    const sessions = new AuditSessions(stepUid, ...descriptors, log);
    // Once may be allowed to anyone; twice shows that it works every time.
    if (sessions.next() === undefined || sessions.next() === undefined) {
      descriptors.forEach(closeSync);
      return undefined;
    }
    log.begin();
    return sessions;
  }

  /**
   * Runs `spawn` (synchronously, with its fork) so that the child is in an audit session of its
   * own, whose number is returned and was written down before. What the launcher starts for itself
   * is in none that a step has.
   */
  during<T>(spawn: () => T): { readonly result: T; readonly auditSession: number | undefined } {
    const auditSession = this.isBroken ? undefined : this.next();
    this.log.add(auditSession);
    try {
      return { result: spawn(), auditSession };
    } finally {
      if (auditSession !== undefined) this.next();
    }
  }

  /**
   * Undefined, from now on, when the kernel refuses (an administrator made login uids immutable):
   * the other rules remain.
   */
  private next(): number | undefined {
    const before = this.read();
    try {
      writeSync(this.loginDescriptor, String(this.loginUid), 0);
    } catch {
      // See the contract: refusal is an answer, whatever its code.
      this.isBroken = true;
      return undefined;
    }
    const now = this.read();
    if (now !== before) return now;
    this.isBroken = true;
    return undefined;
  }

  private read(): number {
    const length = readSync(this.sessionDescriptor, this.buffer, 0, this.buffer.length, 0);
    return Number(this.buffer.toString('latin1', 0, length));
  }
}

function hasAuditControl(): boolean {
  return ((readCapabilities(process.pid) >> CAP_AUDIT_CONTROL) & 1n) === 1n;
}

function openForSessions(): [number, number] | undefined {
  try {
    const session = openSync('/proc/self/sessionid', 'r');
    return [openSync('/proc/self/loginuid', 'w'), session];
  } catch {
    // A kernel without audit, or /proc is read-only here: no sessions, see the class.
    return undefined;
  }
}
