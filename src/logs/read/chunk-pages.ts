import type { LogChunk, LogChunkStore } from '../store/log-chunk-store.js';
import type { LogFence } from '../store/log-fence.js';

/**
 * Chunks of one page. The first page is one chunk, since most readers want no more, and each is
 * four times the last.
 */
const LARGEST_PAGE = 8;

/**
 * Reads the chunks of one log by pages that grow, for a reader that goes through it in one
 * direction.
 */
export class ChunkPages {
  private page: LogChunk[] = [];
  private size = 1;
  /** The attempt of which nothing follows the page. */
  private exhausted: number | undefined;

  constructor(
    private readonly store: LogChunkStore,
    private readonly executionId: string,
  ) {}

  /** The chunk that holds line `seq`, going forward. */
  async with({ fence }: LogFence, seq: number): Promise<LogChunk | undefined> {
    const holds = (chunk: LogChunk | undefined): boolean =>
      chunk?.fence === fence && chunk.firstSeq <= seq && seq <= chunk.lastSeq;
    return this.next(fence, holds, (count) =>
      this.store.following(this.executionId, fence, seq, count),
    );
  }

  /**
   * The chunk whose last line is `seq`, going back; for the newest one, the chunk that holds it.
   */
  async endingWith({ fence }: LogFence, seq: number): Promise<LogChunk | undefined> {
    const ends = (chunk: LogChunk | undefined): boolean =>
      chunk?.fence === fence && chunk.lastSeq === seq;
    const chunk = await this.next(fence, ends, (count) =>
      this.store.preceding(this.executionId, fence, seq, count),
    );
    // A fence may cut the last chunk: what its worker wrote when nothing of it counted any more.
    return chunk ?? this.store.find(this.executionId, fence, seq);
  }

  private async next(
    fence: number,
    isWanted: (chunk: LogChunk | undefined) => boolean,
    read: (count: number) => Promise<LogChunk[]>,
  ): Promise<LogChunk | undefined> {
    if (!isWanted(this.page[0])) {
      if (this.exhausted === fence && this.page.length === 0) return undefined;
      this.page = await read(this.size);
      this.exhausted = this.page.length < this.size ? fence : undefined;
      this.size = Math.min(LARGEST_PAGE, this.size * 4);
    }
    return isWanted(this.page[0]) ? this.page.shift() : undefined;
  }
}
