import { randomUUID } from 'node:crypto';
import type { LogChunk, LogChunkStore } from './log-chunk-store.js';
import { MemoryLogChunkStore } from './memory-log-chunk-store.js';

/** What every adapter of `LogChunkStore` does. */
export function describeLogChunkStore(name: string, store: () => LogChunkStore): void {
  describe(`${name} as LogChunkStore`, () => {
    let id = '';
    const chunk = (firstSeq: number, lastSeq: number, fence = 1): LogChunk => ({
      executionId: id,
      fence,
      firstSeq,
      lastSeq,
      rawBytes: 1000,
      sources: [
        { stage: 'build', step: 'compile (20)', attempt: 1 },
        { stage: '', step: '', attempt: 0 },
      ],
      data: Buffer.from([0, 0xff, firstSeq & 0xff, 0x1f, 0x8b]),
    });
    const found = async (seq: number, fence = 1) => (await store().find(id, fence, seq))?.firstSeq;

    beforeEach(async () => {
      id = randomUUID();
    });

    it('gives a chunk back as it was', async () => {
      await store().insert(chunk(1, 10));
      expect(await store().find(id, 1, 1)).toEqual(chunk(1, 10));
    });

    it('finds the chunk that holds a number', async () => {
      await store().insert(chunk(1, 10));
      await store().insert(chunk(11, 11));
      await store().insert(chunk(12, 300));
      expect(await found(1)).toBe(1);
      expect(await found(10)).toBe(1);
      expect(await found(11)).toBe(11);
      expect(await found(299)).toBe(12);
      expect(await found(301)).toBeUndefined();
    });

    it('does not find what lies in a hole', async () => {
      await store().insert(chunk(1, 10));
      await store().insert(chunk(21, 30));
      expect(await found(15)).toBeUndefined();
      expect(await found(11)).toBeUndefined();
    });

    it('gives chunks in order, by pages, in both directions', async () => {
      for (const [first, last] of [
        [12, 300],
        [1, 10],
        [301, 302],
        [11, 11],
      ] as const) {
        await store().insert(chunk(first, last));
        await store().insert(chunk(first, last, 2));
      }
      const firsts = (chunks: readonly LogChunk[]) => chunks.map(({ firstSeq }) => firstSeq);
      expect(firsts(await store().following(id, 1, 1, 9))).toEqual([1, 11, 12, 301]);
      expect(firsts(await store().following(id, 1, 11, 2))).toEqual([11, 12]);
      expect(firsts(await store().following(id, 1, 299, 9))).toEqual([12, 301]);
      expect(firsts(await store().following(id, 1, 303, 9))).toEqual([]);
      expect(firsts(await store().preceding(id, 1, 302, 9))).toEqual([301, 12, 11, 1]);
      expect(firsts(await store().preceding(id, 1, 300, 2))).toEqual([12, 11]);
      expect(firsts(await store().preceding(id, 1, 299, 9))).toEqual([11, 1]);
      expect(await store().following(id, 1, 1, 1)).toEqual([chunk(1, 10)]);
    });

    it('keeps executions and fences apart', async () => {
      await store().insert(chunk(1, 10, 1));
      await store().insert(chunk(100, 110, 2));
      expect(await found(5, 2)).toBeUndefined();
      expect(await found(105, 2)).toBe(100);
      expect(await found(105, 1)).toBeUndefined();
      expect(await store().find(randomUUID(), 1, 5)).toBeUndefined();
      expect(await store().lastSeq(id, 1)).toBe(10);
      expect(await store().lastSeq(id, 2)).toBe(110);
      expect(await store().lastSeq(id, 3)).toBeUndefined();
    });

    it('takes a chunk once, whatever comes again', async () => {
      await store().insert(chunk(1, 10));
      await store().insert({ ...chunk(1, 12), data: Buffer.from('other') });
      expect(await store().find(id, 1, 1)).toEqual(chunk(1, 10));
      expect(await store().lastSeq(id, 1)).toBe(10);
    });

    it('removes whole logs and nothing else', async () => {
      await store().insert(chunk(1, 10, 1));
      await store().insert(chunk(11, 12, 2));
      const [also, other] = [randomUUID(), randomUUID()].map((executionId) => ({
        ...chunk(1, 3),
        executionId,
      })) as [LogChunk, LogChunk];
      await store().insert(also);
      await store().insert(other);
      expect(await store().deleteExecutions([])).toBe(0);
      expect(await store().deleteExecutions([id, also.executionId, randomUUID()])).toBe(3);
      expect(await store().deleteExecutions([id, also.executionId])).toBe(0);
      expect(await found(1)).toBeUndefined();
      expect(await store().find(other.executionId, 1, 1)).toEqual(other);
    });

    it('names the first execution that it has something of', async () => {
      const [first, second] = [`!0-${id}`, `!1-${id}`] as const;
      await store().insert({ ...chunk(1, 3), executionId: second });
      await store().insert({ ...chunk(1, 3), executionId: first });
      expect(await store().firstExecution(`!2-${id}`)).toBe(first);
      expect(await store().firstExecution(first)).toBeUndefined();
      await store().deleteExecutions([first]);
      expect(await store().firstExecution(`!2-${id}`)).toBe(second);
      await store().deleteExecutions([second]);
      expect(await store().firstExecution(`!2-${id}`)).toBeUndefined();
    });
  });
}

const memory = new MemoryLogChunkStore();
describeLogChunkStore('MemoryLogChunkStore', () => memory);
