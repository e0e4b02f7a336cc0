import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** `ExportResultCode.SUCCESS` of OpenTelemetry's core. */
const SUCCESS: ExportResult['code'] = 0;

/** Says once that spans cannot be sent, and once that they can again; those in between are lost. */
export class OutageExporter implements SpanExporter {
  private away = false;

  constructor(
    private readonly inner: SpanExporter,
    private readonly onOutage: (error: Error | undefined) => void,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.inner.export(spans, ({ code, error }) => {
      if (code !== SUCCESS && !this.away) this.onOutage(error ?? new Error('not taken'));
      if (code === SUCCESS && this.away) this.onOutage(undefined);
      this.away = code !== SUCCESS;
      // A failure would go to OpenTelemetry's own error handler, batch by batch.
      done({ code: SUCCESS });
    });
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.inner.forceFlush?.();
  }
}
