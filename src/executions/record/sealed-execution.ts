import { nameRecord } from '../../common/values/name-record.js';
import {
  BrokenSealError,
  type Keyring,
  MissingKeyError,
} from '../../secrets/encryption/keyring.js';
import { fieldsOpened, fieldsSealed, type Sealed } from '../../secrets/encryption/sealed-fields.js';
import type { ExecutionRecord } from './execution.schema.js';
import { fromStore, toStore } from './stored-names.js';

const NOTHING = nameRecord<string>([]);

/** What the trigger gave: it may hold passwords, and its URL credentials. */
export const GIVEN_FIELDS = ['inputs', 'environment', 'clone_url', 'payload'] as const;

/** An execution as it is stored; older versions have stored it in clear. */
export type StoredExecution = Sealed<ExecutionRecord, (typeof GIVEN_FIELDS)[number]>;

/** A new execution as it is stored. */
export function sealedExecution(keyring: Keyring, execution: ExecutionRecord): StoredExecution {
  const { _id } = execution;
  return fieldsSealed(keyring, toStore(execution), GIVEN_FIELDS, executionContext(_id));
}

/** What a stored execution of an older release, in clear, has in `sealed` now. */
export function sealedGiven(keyring: Keyring, clear: ExecutionRecord): string {
  // Its names are in lists already, or were keys: `fromStore` takes both.
  return fieldsSealed(keyring, clear, GIVEN_FIELDS, executionContext(clear._id)).sealed;
}

/**
 * The execution of a stored document. One that cannot be opened is there all the same, since it
 * must end, and be listed and deleted: it says so by `unreadable`.
 */
export function openedExecution(keyring: Keyring, stored: StoredExecution): ExecutionRecord {
  try {
    const context = executionContext(stored._id);
    return fromStore(fieldsOpened<ExecutionRecord>(keyring, stored, context));
  } catch (error) {
    if (!(error instanceof MissingKeyError) && !(error instanceof BrokenSealError)) throw error;
    const given = { inputs: NOTHING, environment: NOTHING, clone_url: null };
    const shown = { ...stored, ...given, sealed: undefined };
    return { ...fromStore(shown), ...given, unreadable: error };
  }
}

/** @throws MissingKeyError, BrokenSealError: what its trigger gave cannot be opened */
export function mustBeReadable({ unreadable }: Pick<ExecutionRecord, 'unreadable'>): void {
  if (unreadable) throw unreadable;
}

export function executionContext(id: string): string {
  return `executions:${id}:sealed`;
}
