import { Injectable } from '@nestjs/common';
import { Metrics } from '../../common/metrics/metrics.js';
import type { MaskSet } from '../../common/redaction/mask-set.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import type { Clock } from '../../engine/runtime/run-ports.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { LogChunkStore } from '../../logs/store/log-chunk-store.js';
import { type LogMeter, type LogProblem, LogWriter } from '../../logs/write/log-writer.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { logFencesOf } from '../record/log-fences.js';
import type { RunOutput } from './plan-runs.js';

/** Opens the logs of execution attempts, as the configuration limits them. */
@Injectable()
export class AttemptLogs {
  constructor(
    private readonly config: MillraceConfig,
    private readonly chunks: LogChunkStore,
    private readonly bus: EventBus,
    private readonly metrics: Metrics,
  ) {}

  /** The log of the last attempt of an execution. `onProblem` as for `LogWriter`. */
  open(
    execution: ExecutionRecord,
    masks: MaskSet,
    clock: Clock,
    onProblem: (problem: LogProblem) => void,
  ): LogWriter {
    return new LogWriter({
      executionId: execution._id,
      fence: execution.attempt,
      firstSeq: firstSeqOf(execution),
      lost: execution.placements.at(-2)?.log_lost ?? false,
      masks,
      store: this.chunks,
      bus: this.bus,
      clock,
      limits: { totalBytes: this.config.maxLogSize, liveBytes: this.config.liveLogSize },
      meter: logMeter(this.metrics),
      onProblem,
    });
  }
}

/** Number of the first line of the last attempt of an execution. */
export function firstSeqOf(execution: ExecutionRecord): number {
  return logFencesOf(execution).at(-1)?.firstSeq ?? 1;
}

/** A log as a run prints to it. */
export function outputTo(log: LogWriter): RunOutput {
  return {
    open: (address, stream) => log.source({ ...address, stream }),
    systemLine: (address, text) => log.systemLine(address, text),
    lastLines: (address, count) => log.lastLines(address, count),
  };
}

function logMeter(metrics: Metrics): LogMeter {
  return {
    taken: (lines, bytes) => {
      metrics.logLines.inc(lines);
      metrics.logBytes.inc(bytes);
    },
    dropped: (bytes) => metrics.logDroppedBytes.inc(bytes),
    truncated: () => metrics.logsTruncated.inc(),
  };
}
