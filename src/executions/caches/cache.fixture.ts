import { randomUUID } from 'node:crypto';
import { objectKey } from '../../integrations/object-store/object-key.js';
import { type Cache, cacheId, pathsOf } from './cache.js';

/** A cache, for tests. */
export function savedCache(parts: Partial<Cache> = {}): Cache {
  const of = {
    pipelineId: '019a0000-0000-7000-8000-000000000002',
    scope: 'trusted',
    paths: pathsOf(['kept']),
    key: 'npm-1',
    ...parts,
  };
  const at = new Date('2026-01-02T03:04:05.678Z');
  return {
    ...of,
    id: cacheId(of),
    size: 7,
    digest: 'ab'.repeat(32),
    objectKey: objectKey('caches', of.pipelineId, randomUUID()),
    executionId: '019a0000-0000-7000-8000-000000000001',
    ...{ createdAt: at, usedAt: at },
    ...parts,
  };
}
