import type { Collection, Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { LogChunkStore, type LogChunk } from './log-chunk-store.js';
import type { LogChunkDocument } from './log-chunk.schema.js';

/**
 * `log_chunks`. A reader that waits for the next chunk looks it up by `_id`, since each names the
 * first number of the next; whoever reads many takes them by pages in the order of the index.
 */
export class LogChunkRepository extends LogChunkStore {
  /**
   * The driver's collection: a document of this size gains nothing from Mongoose's hydration.
   */
  private readonly chunks: Collection<LogChunkDocument>;

  constructor(model: Model<LogChunkDocument>) {
    super();
    this.chunks = model.db.collection<LogChunkDocument>(model.collection.name);
  }

  async insert(chunk: LogChunk): Promise<void> {
    try {
      await this.chunks.insertOne({
        _id: chunkId(chunk.executionId, chunk.fence, chunk.firstSeq),
        execution_id: chunk.executionId,
        fence: chunk.fence,
        first_seq: chunk.firstSeq,
        last_seq: chunk.lastSeq,
        raw_bytes: chunk.rawBytes,
        sources: chunk.sources.map(({ stage, step, attempt }) => ({ stage, step, attempt })),
        data: chunk.data,
      });
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
    }
  }

  async find(executionId: string, fence: number, seq: number): Promise<LogChunk | undefined> {
    const document =
      (await this.findOne({ _id: chunkId(executionId, fence, seq) })) ??
      (await this.findOne(
        { execution_id: executionId, fence, last_seq: { $gte: seq } },
        { last_seq: 1 },
      ));
    return document && document.first_seq <= seq ? chunkOf(document) : undefined;
  }

  async following(
    executionId: string,
    fence: number,
    seq: number,
    count: number,
  ): Promise<LogChunk[]> {
    return this.page({ execution_id: executionId, fence, last_seq: { $gte: seq } }, 1, count);
  }

  async preceding(
    executionId: string,
    fence: number,
    seq: number,
    count: number,
  ): Promise<LogChunk[]> {
    return this.page({ execution_id: executionId, fence, last_seq: { $lte: seq } }, -1, count);
  }

  async lastSeq(executionId: string, fence: number): Promise<number | undefined> {
    const document = await this.chunks.findOne(
      { execution_id: executionId, fence },
      { sort: { last_seq: -1 }, projection: { last_seq: 1 } },
    );
    return document?.last_seq;
  }

  async deleteExecutions(executionIds: readonly string[]): Promise<number> {
    const result = await this.chunks.deleteMany({ execution_id: { $in: [...executionIds] } });
    return result.deletedCount;
  }

  async firstExecution(before: string): Promise<string | undefined> {
    const first = await this.chunks.findOne(
      { _id: { $lt: before } },
      { sort: { _id: 1 }, projection: { execution_id: 1 } },
    );
    return first?.execution_id;
  }

  private async page(filter: Filter, direction: 1 | -1, limit: number): Promise<LogChunk[]> {
    const options = {
      sort: { last_seq: direction },
      limit,
      batchSize: limit,
      promoteBuffers: true,
    };
    const documents = await this.chunks.find(filter, options).toArray();
    return documents.map(chunkOf);
  }

  private async findOne(
    filter: Filter,
    sort?: Record<string, 1 | -1>,
  ): Promise<LogChunkDocument | null> {
    return this.chunks.findOne(filter, { promoteBuffers: true, ...(sort && { sort }) });
  }
}

type Filter = Parameters<Collection<LogChunkDocument>['findOne']>[0];

function chunkId(executionId: string, fence: number, firstSeq: number): string {
  return `${executionId}:${fence}:${firstSeq}`;
}

function chunkOf(document: LogChunkDocument): LogChunk {
  return {
    executionId: document.execution_id,
    fence: document.fence,
    firstSeq: document.first_seq,
    lastSeq: document.last_seq,
    rawBytes: document.raw_bytes,
    sources: document.sources,
    data: document.data,
  };
}
