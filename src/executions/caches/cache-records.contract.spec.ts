import { describeCacheRecords } from './cache-records.contract.fixture.js';
import { MemoryCaches } from './memory-caches.fixture.js';

const memory = new MemoryCaches();
describeCacheRecords('MemoryCaches', () => memory);
