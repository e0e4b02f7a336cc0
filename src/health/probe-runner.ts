import { performance } from 'node:perf_hooks';
import { Logger } from '@nestjs/common';
import { within } from '../common/async/within.js';
import type { HealthProbe, ProbeResult } from '../common/health/health-probe.js';

/** A check as the API shows it. */
export interface CheckReport extends ProbeResult {
  /** Milliseconds that the check took; with a hung part, the deadline. */
  readonly duration_ms: number;
}

/**
 * Runs one probe with a deadline. A check that hangs is not started again while it does: every
 * question meanwhile waits for the same one, so that questions cannot pile up on a hung part.
 */
export class ProbeRunner {
  private readonly logger = new Logger('Health');
  private underWay: Promise<ProbeResult> | undefined;

  constructor(
    readonly probe: HealthProbe,
    private readonly deadlineMs: number,
  ) {}

  async run(): Promise<CheckReport> {
    const start = performance.now();
    const result = await this.beforeDeadline();
    return { ...result, duration_ms: Math.round(performance.now() - start) };
  }

  private beforeDeadline(): Promise<ProbeResult> {
    this.underWay ??= this.check();
    return within(this.deadlineMs, this.underWay, () => ({
      status: 'down',
      message: `no answer within ${this.deadlineMs} ms`,
    }));
  }

  /** Never rejects. */
  private async check(): Promise<ProbeResult> {
    try {
      return await this.probe.check();
    } catch (error) {
      this.logger.debug({ err: error, probe: this.probe.name }, 'the check failed');
      return { status: 'down', message: this.probe.downMessage };
    } finally {
      this.underWay = undefined;
    }
  }
}
