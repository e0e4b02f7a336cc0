import { mongo } from 'mongoose';
import type { CallWatch } from './call-watch.js';

/**
 * Building an index of a large collection takes minutes; the driver's own limit would break it off.
 */
const INDEX_BUILD_MS = 600_000;
const INDEX_BUILDS: ReadonlySet<string> = new Set(['createIndex', 'createIndexes']);

/**
 * Where the options stand among the arguments of a method; for the signal. Others are only given
 * up.
 */
const placeOfOptions = new Map<string, number>([
  ['estimatedDocumentCount', 0],
  ['listIndexes', 0],
  ['indexes', 0],
  ['insertOne', 1],
  ['insertMany', 1],
  ['bulkWrite', 1],
  ['deleteOne', 1],
  ['deleteMany', 1],
  ['findOne', 1],
  ['find', 1],
  ['aggregate', 1],
  ['countDocuments', 1],
  ['createIndex', 1],
  ['createIndexes', 1],
  ['findOneAndDelete', 1],
  ['command', 1],
  ['updateOne', 2],
  ['updateMany', 2],
  ['replaceOne', 2],
  ['findOneAndReplace', 2],
  ['findOneAndUpdate', 2],
  ['distinct', 2],
]);
/** Methods of a cursor that ask the server. */
const CURSOR_CALLS = ['toArray', 'next', 'tryNext', 'hasNext', 'forEach', 'close'];

type Method = (...args: unknown[]) => unknown;

/**
 * The driver's client, whose every call has a deadline of ours: the one place, beneath Mongoose,
 * through which all calls go (queries, cursors, writes, counts, index builds, commands).
 */
export class GuardedClient extends mongo.MongoClient {
  constructor(
    uri: string,
    options: mongo.MongoClientOptions,
    readonly calls: CallWatch,
  ) {
    super(uri, options);
  }

  override db(name?: string, options?: mongo.DbOptions): mongo.Db {
    const raw = super.db(name, options);
    const guarded = guard(raw, this.calls);
    guarded.collection = (collectionName: string, collectionOptions?: mongo.CollectionOptions) =>
      guard(raw.collection(collectionName, collectionOptions), this.calls) as never;
    return guarded;
  }
}

/**
 * The same object, whose methods have deadlines. What the driver calls on itself in between goes to
 * the original.
 */
function guard<T extends object>(raw: T, watch: CallWatch): T {
  const guarded = Object.create(raw) as T;
  for (const [name, method] of methodsOf(raw)) {
    const value: Method = (...args) => {
      const abort = new AbortController();
      const work = method.apply(raw, withSignal(name, args, abort.signal));
      if (work instanceof Promise) {
        const limitMs = INDEX_BUILDS.has(name) ? INDEX_BUILD_MS : undefined;
        return watch.run(() => work.catch(throwCause), limitMs, abort);
      }
      if (work instanceof mongo.AbstractCursor) guardCursor(work as object, watch, abort);
      return work;
    };
    Object.defineProperty(guarded, name, { value, writable: true });
  }
  return guarded;
}

/**
 * What broke a write of several documents as a whole: the driver wraps it in the error by which it
 * tells of single ones, and by that nobody would know a database that is away.
 */
function throwCause(error: unknown): never {
  const isOfBulk = error instanceof mongo.MongoBulkWriteError;
  const cause: unknown = isOfBulk ? error.errorResponse : undefined;
  throw cause instanceof Error ? cause : error;
}

function methodsOf(raw: object): [string, Method][] {
  const prototype = Object.getPrototypeOf(raw) as object;
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value }]) =>
    name !== 'constructor' && typeof value === 'function' ? [[name, value as Method]] : [],
  );
}

/**
 * Each call has the whole time. A call within a call, such as `next` in `toArray`, has none of its
 * own.
 */
function guardCursor(cursor: object, watch: CallWatch, abort: AbortController): void {
  let within = false;
  for (const name of CURSOR_CALLS) {
    const method = Reflect.get(cursor, name) as (...args: unknown[]) => Promise<unknown>;
    const value: Method = (...args) => {
      if (within) return method.apply(cursor, args);
      within = true;
      const call = watch.run(() => method.apply(cursor, args), undefined, abort);
      return call.finally(() => {
        within = false;
      });
    };
    Object.defineProperty(cursor, name, { value, writable: true });
  }
}

function withSignal(name: string, args: readonly unknown[], signal: AbortSignal): unknown[] {
  const place = placeOfOptions.get(name);
  if (place === undefined) return [...args];
  const options = {
    ...(args[place] as object | undefined),
    signal,
    ...(INDEX_BUILDS.has(name) ? { socketTimeoutMS: INDEX_BUILD_MS } : {}),
  };
  // Earlier arguments that were left out stay `undefined`, so that their defaults hold.
  const all = Array.from({ length: Math.max(args.length, place + 1) }, (_item, at) => args[at]);
  all[place] = options;
  return all;
}
