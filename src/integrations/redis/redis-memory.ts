/** What Redis says of its memory (`INFO memory`). */
export interface RedisMemory {
  readonly usedBytes: number;
  /** Undefined: no limit is set, or Redis does not tell. */
  readonly limitBytes: number | undefined;
  /** `maxmemory-policy`; undefined where Redis does not tell. */
  readonly policy: string | undefined;
}

/** The only policy under which nothing of the queue disappears: Redis refuses writes instead. */
export const SAFE_POLICY = 'noeviction';

export function parseRedisMemory(info: string): RedisMemory {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const limit = Number(field('maxmemory') ?? 0);
  return {
    usedBytes: Number(field('used_memory') ?? 0),
    limitBytes: limit > 0 ? limit : undefined,
    policy: field('maxmemory_policy'),
  };
}

/** True when Redis may drop keys that it still needs to keep. */
export function mayEvict({ policy }: RedisMemory): boolean {
  return policy !== undefined && policy !== SAFE_POLICY;
}

/** True when Redis refuses writes for want of memory, or is about to. */
export function isFull({ usedBytes, limitBytes }: RedisMemory): boolean {
  return limitBytes !== undefined && usedBytes >= limitBytes;
}
