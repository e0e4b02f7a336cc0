import type { AuditAction, AuditOutcome } from './audit-actions.js';

/** Who did it. */
export interface AuditActor {
  /** Of a principal: its kind. `unknown`: nobody known. `forge`: by a webhook. */
  readonly kind:
    'user' | 'service_account' | 'token' | 'anonymous' | 'unknown' | 'forge' | 'system';
  readonly id: string;
  /** For people to read; nothing goes by it. */
  readonly name: string;
  /** By what it was known: `session` or `token` with the id; '' where there is none. */
  readonly credential: string;
}

/** To what it was done. */
export interface AuditTarget {
  /** `pipeline`, `execution`, `user`… */
  readonly kind: string;
  readonly id: string;
  readonly name: string;
}

export type AuditValue = string | number | boolean | null;

/** Small: a few values under names of ours. Never a secret, a token or a body. */
export type AuditDetails = Readonly<Record<string, AuditValue>>;

/** An entry of the audit. Texts are cut to a fixed length. */
export interface AuditEntry {
  readonly action: AuditAction;
  readonly actor: AuditActor;
  /** Default: `success`. */
  readonly outcome?: AuditOutcome;
  /** A code, of what was refused. */
  readonly reason?: string;
  readonly target?: AuditTarget;
  /** Address of the client. */
  readonly client?: string;
  readonly requestId?: string;
  readonly details?: AuditDetails;
  /** Default: now. */
  readonly at?: Date;
}

/**
 * Port: keeps a record of what was done, and by whom. Records are never changed, and each holds the
 * hash of the one before. All methods may be called concurrently.
 */
export abstract class Audit {
  /**
   * Resolves when the record is stored.
   * @throws ServiceUnavailableError when that takes too long; it is still stored once the database
   *   is there, while this process lives. Or when so many wait that this one is lost, and counted
   */
  abstract record(entry: AuditEntry): Promise<void>;

  /**
   * Stores the record soon, behind those before it; at the latest when the process ends. Never
   * throws, and is not waited for: for what must not become slower, and has other evidence.
   */
  abstract note(entry: AuditEntry): void;
}

/** The server itself. */
export const SYSTEM_ACTOR: AuditActor = { kind: 'system', id: '', name: '', credential: '' };

export const UNKNOWN_ACTOR: AuditActor = { kind: 'unknown', id: '', name: '', credential: '' };
