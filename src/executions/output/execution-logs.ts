import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { MillraceError, notFound, serviceUnavailable } from '../../common/errors/millrace.error.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { ExecutionFeed } from '../../logs/feed/execution-feed.js';
import { defaultFeedLimits } from '../../logs/feed/feed-places.js';
import type { LogFilter } from '../../logs/read/log-lines.js';
import { LogReader } from '../../logs/read/log-reader.js';
import { type LogFormat, sendLog } from '../../logs/read/log-response.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { logFencesOf } from '../record/log-fences.js';
import { ExecutionViews } from './execution-views.js';

/** More of a line is not shown in a tail; the log itself has all of it. */
const TAIL_LINE_CHARACTERS = 1_000;

/** Which lines of a log somebody asks for. */
export interface LogSelection extends LogFilter {
  readonly afterSeq: number;
  readonly limit?: number;
}

/** Logs and events as executions have them. */
@Injectable()
export class ExecutionLogs implements OnApplicationShutdown {
  private readonly logger = new Logger(ExecutionLogs.name);
  private readonly feed: ExecutionFeed;

  constructor(
    private readonly reader: LogReader,
    private readonly executions: ExecutionsRepository,
    views: ExecutionViews,
    bus: EventBus,
    private readonly metrics: Metrics,
  ) {
    this.feed = new ExecutionFeed({
      reader,
      bus,
      loadView: (id, which) => views.load(id, which),
      onProblem: (error) => this.logger.debug({ err: error }, 'the feed continues'),
    });
  }

  onApplicationShutdown(): void {
    this.feed.close();
  }

  /** The last lines, oldest first, each cut to 1,000 characters. */
  async tail(execution: ExecutionRecord, count: number): Promise<readonly string[]> {
    // Whoever ended it without running it to its end kept none.
    if (execution.logs.length > 0) return execution.logs.slice(-count);
    const query = { executionId: execution._id, fences: logFencesOf(execution), afterSeq: 0 };
    const lines = await this.reader.tail(query, count);
    return lines.map((line) => line.slice(0, TAIL_LINE_CHARACTERS));
  }

  /** Sends what there is of the log now. @throws NotFoundError */
  async send(
    executionId: string,
    selection: LogSelection,
    format: LogFormat,
    response: ServerResponse,
  ): Promise<void> {
    const execution = await this.executions.find(executionId);
    if (!execution) throw notFound('execution', executionId);
    const query = { ...selection, executionId, fences: logFencesOf(execution) };
    await sendLog(this.reader, query, format, response);
  }

  /**
   * Server-sent events until the end of the execution.
   * @param caller who asks; one caller has a limited number of streams
   * @throws NotFoundError, RateLimitError, ServiceUnavailableError
   */
  async follow(
    executionId: string,
    afterSeq: number,
    caller: string,
    response: ServerResponse,
  ): Promise<void> {
    this.metrics.sseClients.inc();
    const outcome = await this.feed
      .serve({ caller, executionId, afterSeq, response })
      .finally(() => this.metrics.sseClients.dec());
    switch (outcome) {
      case 'served':
        return;
      case 'not_found':
        throw notFound('execution', executionId);
      case 'too_many':
        throw tooManyStreams();
      case 'full':
        throw serverFullOfStreams();
    }
  }
}

/** 429 */
export function tooManyStreams(): MillraceError {
  return new MillraceError('RateLimitError', 'This client has too many event streams open.', {
    details: { reason: 'streams_of_client', limit: defaultFeedLimits.clientsOfOne },
    retryAfterSeconds: 5,
    suggestions: ['Close streams that nobody reads; one for each execution is enough.'],
  });
}

/** 503 */
export function serverFullOfStreams(): MillraceError {
  return serviceUnavailable('This server has too many event streams open.', {
    details: { reason: 'streams_of_server', limit: defaultFeedLimits.clients },
    suggestions: [
      'Wait for the time in Retry-After, or ask again and again by `./millrace status ID` (GET /api/ci/executions/:id); more API processes serve more streams.',
    ],
  });
}
