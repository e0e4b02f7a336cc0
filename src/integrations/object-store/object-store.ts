import type { Readable } from 'node:stream';
import type { ObjectKey } from './object-key.js';

/** What is known of a stored object. */
export interface StoredObject {
  /** Bytes. */
  readonly size: number;
  /** SHA-256 of the whole content, 64 hex digits. */
  readonly digest: string;
}

/** Bytes of a content; what lies behind its end is left out. */
export interface ByteRange {
  /** Bytes before the first one, from 0. */
  readonly offset: number;
  /** Absent: to the end. */
  readonly length?: number;
}

export interface ObjectContent extends StoredObject {
  /**
   * The bytes of the range, perhaps none. Whoever does not read it to its end destroys it. It fails
   * with an `ObjectStoreError`, also when it ends before all has come.
   */
  readonly body: Readable;
}

export interface CallOptions {
  /** The call rejects with `aborted`, and a stream that it gave fails with it. */
  readonly signal?: AbortSignal;
}

export interface PutOptions extends CallOptions {
  /** Bytes that must come; absent: as many as come. */
  readonly size?: number;
}

export interface GetOptions extends CallOptions {
  readonly range?: ByteRange;
}

export type ObjectStoreErrorCode =
  | 'not_found'
  | 'unauthorised' // wrong credentials, or they allow too little; files that may not be read
  | 'unreachable' // connection, time limit, a server that has too much to do: may pass by itself
  | 'full' // disk or quota
  | 'too_large' // more than the store can hold in one object
  | 'size_mismatch' // other bytes came than were announced
  | 'damaged' // what lies in the store is not what was put there
  | 'aborted'
  | 'failed';

/**
 * What a store rejects with; only an error of the stream that is put comes as it is. The message
 * names the key, no credentials, host or folder; `cause` is for the log.
 */
export class ObjectStoreError extends Error {
  constructor(
    readonly code: ObjectStoreErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = 'ObjectStoreError';
  }
}

/**
 * Port: contents of any size under keys. Adapters: the local disk, and S3; both pass
 * `object-store.contract.spec.ts`.
 *
 * All methods may be called concurrently, by several processes too. An object is there as a whole
 * or not at all: nobody sees half of it, whatever was killed. Memory does not grow with the size of
 * an object.
 */
export abstract class ObjectStore {
  /**
   * Stores what `body` gives, in the place of an object that is there. When it resolves the object
   * is durable. When it rejects nothing has changed; only of `unreachable` and `failed` nobody
   * knows. `body` is read to its end or destroyed.
   */
  abstract put(key: ObjectKey, body: Readable, options?: PutOptions): Promise<StoredObject>;

  /** Rejects with `not_found`. A content that is replaced or deleted meanwhile may end early. */
  abstract get(key: ObjectKey, options?: GetOptions): Promise<ObjectContent>;

  /** Rejects with `not_found`. */
  abstract stat(key: ObjectKey, options?: CallOptions): Promise<StoredObject>;

  /** Idempotent: what is not there is deleted. */
  abstract delete(key: ObjectKey, options?: CallOptions): Promise<void>;

  /**
   * Keys in the order of their bytes, by pages of at most 1,000: those whose first segments are
   * `under`, without `under` itself, or all. What is put or deleted meanwhile may be in it or not.
   */
  abstract list(under?: ObjectKey, options?: CallOptions): AsyncIterable<readonly ObjectKey[]>;

  /**
   * Removes what puts have left that began more than `olderThanMs` milliseconds ago and never ended
   * (a process was killed), and what replaced or deleted objects have left. A put that is under way
   * for longer may fail. Idempotent; it reads the lists of all objects, so one process is enough.
   * @returns how many were removed
   */
  abstract abortUnfinished(olderThanMs: number, options?: CallOptions): Promise<number>;
}
