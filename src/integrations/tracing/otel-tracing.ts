import {
  type Attributes,
  context,
  type Context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { SpanKind as QueueSpanKind, type Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import { settledWithin } from '../../common/async/within.js';
import { OutageExporter } from './outage-exporter.js';
import { type OpenSpan, type PastSpan, type SpanStart, Tracing } from './tracing.js';

export interface OtelTracingOptions {
  /** Address of the collector; spans go to its `/v1/traces`. */
  readonly endpoint: string;
  readonly service: string;
  readonly version: string;
  /** Tells one process from another. */
  readonly instance: string;
  /** Called when the collector does not take spans any more, and when it does again. */
  readonly onOutage: (error: Error | undefined) => void;
}

/** Spans are sent this long after their end, or when a batch is full. */
const SEND_INTERVAL_MS = 1_000;
const BATCH_SPANS = 512;
/** More spans than these do not wait: what comes then is dropped. */
const WAITING_SPANS = 8_192;
const SEND_LIMIT_MS = 5_000;
const CLOSE_LIMIT_MS = 3_000;

/**
 * OpenTelemetry over OTLP/HTTP. Loaded only where traces are wanted; one for each process, since
 * its registry is the process's.
 */
export class OtelTracing extends Tracing {
  readonly queueTelemetry: Telemetry;
  private readonly provider: TracerProvider;
  private readonly tracer: Tracer;
  private closing: Promise<void> | undefined;

  constructor(options: OtelTracingOptions) {
    super();
    const exporter = new OTLPTraceExporter({
      url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: SEND_LIMIT_MS,
    });
    this.provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': options.service,
        'service.version': options.version,
        'service.instance.id': options.instance,
      }),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: new OutageExporter(exporter, options.onOutage),
          scheduledDelayMillis: SEND_INTERVAL_MS,
          exportTimeoutMillis: SEND_LIMIT_MS + 1_000,
          maxExportBatchSize: BATCH_SPANS,
          maxQueueSize: WAITING_SPANS,
        }),
      ],
    });
    trace.setGlobalTracerProvider(this.provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    this.tracer = trace.getTracer('millrace', options.version);
    this.queueTelemetry = jobsOnly(new BullMQOtel({ tracerName: 'bullmq' }));
  }

  open({ name, kind = 'internal', attributes = {}, headers }: SpanStart): OpenSpan {
    const parent = headers ? propagation.extract(context.active(), headers) : context.active();
    const span = this.tracer.startSpan(
      name,
      { kind: kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL, attributes },
      parent,
    );
    const inside = trace.setSpan(parent, span);
    return {
      run: (work) => context.with(inside, work),
      set: (more) => span.setAttributes(more),
      rename: (better) => span.updateName(better),
      end: (failure) => endSpan(span, failure),
    };
  }

  current(): string | undefined {
    const carrier: { traceparent?: string } = {};
    propagation.inject(context.active(), carrier);
    return carrier.traceparent;
  }

  within<T>(traceParent: string | undefined, work: () => T): T {
    if (traceParent === undefined) return work();
    return context.with(propagation.extract(context.active(), { traceparent: traceParent }), work);
  }

  record(spans: readonly PastSpan[]): void {
    this.recordBelow(context.active(), spans);
  }

  close(): Promise<void> {
    // An outage of the collector was logged; what is left is lost with the process.
    this.closing ??= settledWithin(CLOSE_LIMIT_MS, [this.provider.shutdown()]);
    return this.closing;
  }

  private recordBelow(parent: Context, spans: readonly PastSpan[]): void {
    for (const { name, startedAt, endedAt, attributes, failure, parts } of spans) {
      const span = this.tracer.startSpan(name, { startTime: startedAt, attributes }, parent);
      this.recordBelow(trace.setSpan(parent, span), parts);
      endSpan(span, failure, endedAt);
    }
  }
}

function endSpan(span: Span, failure: string | undefined, at?: number): void {
  if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  span.end(at);
}

/**
 * BullMQ also traces its own polling and timers: a trace of one span every few seconds that belongs
 * to no execution.
 */
function jobsOnly(telemetry: Telemetry<Context>): Telemetry<Context> {
  const { tracer, contextManager } = telemetry;
  return {
    contextManager,
    tracer: {
      startSpan: (name, options, parent) =>
        options?.kind === QueueSpanKind.INTERNAL ? silent : tracer.startSpan(name, options, parent),
    },
  };
}

const silent: ReturnType<Telemetry<Context>['tracer']['startSpan']> = {
  setSpanOnContext: (parent: Context) => parent,
  setAttribute: () => undefined,
  setAttributes: (_attributes: Attributes) => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};
