import type { Channel, ChannelTarget } from './channel.js';

/**
 * Port: channels of services and pipelines. All methods may be called concurrently and from several
 * processes, and reject when the store is away; every write may be repeated. Adapters: the database
 * and memory.
 */
export abstract class ChannelStore {
  /** Makes or replaces one; of one that is there `created_by` and `created_at` stay. */
  abstract set(channel: Channel, target: ChannelTarget): Promise<void>;
  /** False: there was none. */
  abstract remove(id: string): Promise<boolean>;
  /** Of all services and pipelines, in the order of their ids. */
  abstract all(): Promise<readonly Channel[]>;
  /** Of one service or pipeline, by their names. */
  abstract of(subject: string): Promise<readonly Channel[]>;
  /**
   * Whether a service or pipeline has any, for callers that are many and have time: those of one
   * moment are answered by one look, which begins after the last of them.
   */
  abstract hasAny(subject: string): Promise<boolean>;
  /**
   * Where one leads; undefined: there is none.
   * @throws MissingKeyError, BrokenSealError
   */
  abstract target(id: string): Promise<ChannelTarget | undefined>;
}
