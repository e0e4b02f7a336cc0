import type { Telemetry } from 'bullmq';

/**
 * What a span says besides its name. Never a secret, a body or a text that a user wrote: ids,
 * codes, names of stages and steps.
 */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span to open; it hangs below the current one, unless `headers` name another. */
export interface SpanStart {
  readonly name: string;
  /** `server`: somebody outside asked for it. */
  readonly kind?: 'server' | 'internal';
  readonly attributes?: SpanAttributes;
  /** May hold `traceparent` (W3C Trace Context); what is wrong in it is ignored. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
}

/** A span that is under way. */
export interface OpenSpan {
  /** Does `work` with this span as the current one, its callbacks and promises included. */
  run<T>(work: () => T): T;
  set(attributes: SpanAttributes): void;
  rename(name: string): void;
  /** Once. `failure`: a code that says why it failed. */
  end(failure?: string): void;
}

/** Something that is over already, with its parts. Times are milliseconds since the epoch. */
export interface PastSpan {
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: SpanAttributes;
  readonly failure?: string;
  readonly parts: readonly PastSpan[];
}

/**
 * Port: tells what took how long, as a tree over all processes. Two adapters: OpenTelemetry, and
 * nothing at all.
 *
 * All methods may be called concurrently, never wait and never throw: where the spans cannot be
 * sent they are dropped.
 */
export abstract class Tracing {
  /**
   * Lets BullMQ carry the current span from the enqueuing process to the one that takes the job.
   */
  abstract readonly queueTelemetry: Telemetry | undefined;

  abstract open(start: SpanStart): OpenSpan;

  /** The current span as a `traceparent`, to be kept with what is done later or elsewhere. */
  abstract current(): string | undefined;

  /** Does `work` below the span that `traceParent` names; without one, as it is. */
  abstract within<T>(traceParent: string | undefined, work: () => T): T;

  /** Adds spans that are over below the current one. */
  abstract record(spans: readonly PastSpan[]): void;

  /** Sends what is there, for at most a few seconds. Idempotent; never rejects. */
  abstract close(): Promise<void>;

  /** Does `work` in a span that ends with it. */
  async span<T>(
    name: string,
    attributes: SpanAttributes,
    work: (span: OpenSpan) => Promise<T>,
  ): Promise<T> {
    const span = this.open({ name, attributes });
    try {
      const result = await span.run(() => work(span));
      span.end();
      return result;
    } catch (error) {
      span.end('error');
      throw error;
    }
  }
}

const noSpan: OpenSpan = {
  run: (work) => work(),
  set: () => undefined,
  rename: () => undefined,
  end: () => undefined,
};

/** No traces are wanted. */
export class NoTracing extends Tracing {
  readonly queueTelemetry = undefined;

  open(): OpenSpan {
    return noSpan;
  }

  current(): undefined {
    return undefined;
  }

  within<T>(_traceParent: string | undefined, work: () => T): T {
    return work();
  }

  record(): void {
    // Nobody reads it.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  override span<T>(
    _name: string,
    _attributes: SpanAttributes,
    work: (span: OpenSpan) => Promise<T>,
  ): Promise<T> {
    return work(noSpan);
  }
}
