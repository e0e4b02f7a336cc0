import { Injectable } from '@nestjs/common';
import { LogReader } from '../logs/log-reader.js';
import type { ExecutionRecord } from './execution.schema.js';
import { logFencesOf } from './log-fences.js';

/** Logs as executions have them. */
@Injectable()
export class ExecutionLogs {
  constructor(private readonly reader: LogReader) {}

  /** The last lines, oldest first. */
  async tail(execution: ExecutionRecord, count: number): Promise<string[]> {
    const query = { executionId: execution._id, fences: logFencesOf(execution), afterSeq: 0 };
    return this.reader.tail(query, count);
  }
}
