import { LogChunkStore, type LogChunk } from './log-chunk-store.js';

/** Chunks in memory: for tests, and for a run without a server. */
export class MemoryLogChunkStore extends LogChunkStore {
  private readonly chunks = new Map<string, LogChunk>();

  get size(): number {
    return this.chunks.size;
  }

  async insert(chunk: LogChunk): Promise<void> {
    const key = `${chunk.executionId}:${chunk.fence}:${chunk.firstSeq}`;
    if (!this.chunks.has(key)) this.chunks.set(key, chunk);
  }

  async find(executionId: string, fence: number, seq: number): Promise<LogChunk | undefined> {
    return this.of(executionId, fence).find(
      ({ firstSeq, lastSeq }) => firstSeq <= seq && seq <= lastSeq,
    );
  }

  async following(
    executionId: string,
    fence: number,
    seq: number,
    count: number,
  ): Promise<LogChunk[]> {
    const chunks = this.of(executionId, fence).filter(({ lastSeq }) => lastSeq >= seq);
    return chunks.sort((a, b) => a.lastSeq - b.lastSeq).slice(0, count);
  }

  async preceding(
    executionId: string,
    fence: number,
    seq: number,
    count: number,
  ): Promise<LogChunk[]> {
    const chunks = this.of(executionId, fence).filter(({ lastSeq }) => lastSeq <= seq);
    return chunks.sort((a, b) => b.lastSeq - a.lastSeq).slice(0, count);
  }

  async lastSeq(executionId: string, fence: number): Promise<number | undefined> {
    const numbers = this.of(executionId, fence).map(({ lastSeq }) => lastSeq);
    return numbers.length === 0 ? undefined : Math.max(...numbers);
  }

  async deleteExecutions(executionIds: readonly string[]): Promise<number> {
    const keys = [...this.chunks].filter(([, chunk]) => executionIds.includes(chunk.executionId));
    for (const [key] of keys) this.chunks.delete(key);
    return keys.length;
  }

  async firstExecution(before: string): Promise<string | undefined> {
    const ids = [...this.chunks.values()].map(({ executionId }) => executionId).sort();
    return ids.find((id) => id < before);
  }

  private of(executionId: string, fence: number): LogChunk[] {
    return [...this.chunks.values()].filter(
      (chunk) => chunk.executionId === executionId && chunk.fence === fence,
    );
  }
}
