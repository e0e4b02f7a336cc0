import { randomUUID } from 'node:crypto';
import { testServices } from '../../../test/support/services.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { pathsOf } from './cache.js';
import { savedCache } from './cache.fixture.js';
import { describeCacheRecords } from './cache-records.contract.fixture.js';
import { CACHE_MODEL, type CacheDocument, cacheSchema } from './cache.schema.js';
import { CachesRepository } from './caches.repository.js';

jest.setTimeout(120_000);

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const model = database.connection.model<CacheDocument>(CACHE_MODEL, cacheSchema);
const caches = new CachesRepository(model);

beforeAll(async () => {
  await database.open();
  await model.createIndexes();
});
afterAll(() => database.close());

describeCacheRecords('CachesRepository', () => caches);

describe('CachesRepository', () => {
  it('sees beyond the ten thousandth of a pipeline', async () => {
    const pipelineId = randomUUID();
    const day = (n: number): Date => new Date(Date.UTC(2026, 0, 1) + n * 86_400_000);
    const wanted = savedCache({ pipelineId, key: 'wanted-1', createdAt: day(0), usedAt: day(9) });
    await caches.insert(wanted);
    const rows = Array.from({ length: 10_001 }, (_item, n) => ({
      ...{ _id: `${pipelineId}/${n}`, pipeline_id: pipelineId, scope: 'trusted' },
      ...{ paths: pathsOf(['kept']), key: `k-${n}`, size: 1, digest: '', object_key: `o-${n}` },
      ...{ execution_id: 'e', created_at: day(1), used_at: day(1) },
    }));
    await database.connection.collection<CacheDocument>('caches').insertMany(rows);
    const family = { pipelineId, scope: 'trusted', paths: pathsOf(['kept']) };
    expect(await caches.latest(family, 'wanted-')).toEqual(wanted);
    expect(await caches.bytesOf(pipelineId, 'trusted')).toBe(10_001 + wanted.size);
  });
});
