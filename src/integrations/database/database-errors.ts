import { serviceUnavailable, type MillraceError } from '../../common/errors/millrace.error.js';

/** The part of a driver error that decisions need; drivers, Mongoose and FerretDB all fill it. */
interface DriverError {
  readonly name?: string;
  readonly code?: unknown;
  readonly message?: string;
}

const NETWORK_ERROR_NAMES: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'PoolClearedOnNetworkError',
  'MongoWaitQueueTimeoutError',
  'MongoTopologyClosedError',
  'MongoNotConnectedError',
  'MongoClientClosedError',
  'MongoServerClosedError',
  'MongoOperationTimeoutError',
  'MongooseServerSelectionError',
  'DisconnectedError',
  'DatabaseCallTimeoutError',
  'DatabaseBusyError',
]);

/** A server that dies under a write: the driver passes the socket's error on as it is. */
const SOCKET_ERROR_CODES: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * MongoDB's own codes for a server that is stepping down, shutting down or not ready (retryable
 * writes specification).
 */
const MONGODB_TRANSIENT_CODES: ReadonlySet<number> = new Set([
  6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/** FerretDB gives PostgreSQL's state in the text of code 1 while the server behind it is away. */
const BACKEND_AWAY =
  /unexpected EOF|recovery mode|not yet accepting connections|starting up|shutting down|broken pipe|failed to connect|connection reset|connection refused|too many clients|conn closed|terminating connection|administrator command|i\/o timeout/i;

/**
 * FerretDB's deadlock: by its own code, or as text of code 1. The command was rolled back as a
 * whole.
 */
const DEADLOCK_CODE = 16908292;
const DEADLOCK = /deadlock detected|exclusion constraint/i;

const BEFORE_CONNECTION = /before initial connection is complete|connection was force closed/i;

function asDriverError(error: unknown): DriverError {
  return typeof error === 'object' && error !== null ? error : {};
}

/** True when the database cannot be reached or is not ready: the outcome of the call is unknown. */
export function isDatabaseUnavailable(error: unknown): boolean {
  const { name, code, message = '' } = asDriverError(error);
  if (name !== undefined && NETWORK_ERROR_NAMES.has(name)) return true;
  if (SOCKET_ERROR_CODES.has(code)) return true;
  if (name === 'MongooseError' && BEFORE_CONNECTION.test(message)) return true;
  if (typeof code === 'number' && MONGODB_TRANSIENT_CODES.has(code)) return true;
  return code === 1 && BACKEND_AWAY.test(message);
}

/**
 * True when the database answers others but had no time for this call: not away, and the outcome is
 * unknown as well.
 */
export function isDatabaseBusy(error: unknown): boolean {
  return asDriverError(error).name === 'DatabaseBusyError';
}

/** True when no connection of the pool became free in time. */
export function isPoolExhausted(error: unknown): boolean {
  return asDriverError(error).name === 'MongoWaitQueueTimeoutError';
}

/**
 * True when the command lost a race inside the database, was rolled back whole, and may be sent
 * again at once.
 */
export function isWriteConflict(error: unknown): boolean {
  const { code, message = '' } = asDriverError(error);
  if (code === DEADLOCK_CODE || code === 112) return true;
  return code === 1 && DEADLOCK.test(message);
}

/**
 * True when a unique index refused the document (E11000): an answer, not a failure. Read back who
 * has the key.
 */
export function isDuplicateKey(error: unknown): boolean {
  return asDriverError(error).code === 11000;
}

/**
 * True when a hint names an index that is not there (yet). BadValue (2) in MongoDB and FerretDB
 * alike.
 */
export function isUnknownHint(error: unknown): boolean {
  const { code, message = '' } = asDriverError(error);
  return code === 2 && /\bhint\b|\bindex\b/i.test(message);
}

/** 503 */
export function databaseAway(cause?: unknown): MillraceError {
  return serviceUnavailable('The database is not reachable.', { cause });
}
