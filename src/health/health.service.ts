import { Injectable } from '@nestjs/common';
import { HealthRegistry } from '../common/health/health-registry.js';
import { ProbeRunner, type CheckReport } from './probe-runner.js';

export type HealthStatus = 'ok' | 'degraded' | 'down';

export interface HealthReport {
  /** `down` = the API cannot serve; `degraded` = it can, and something else is wrong. */
  readonly status: HealthStatus;
  readonly message: string;
  readonly checks: Readonly<Record<string, CheckReport>>;
}

/** A probe must have answered by then: monitoring systems give up after a few seconds. */
const DEADLINE_MS = 1_000;

/** Asks every part at once how it is. */
@Injectable()
export class HealthService {
  private runners: ProbeRunner[] = [];

  constructor(private readonly registry: HealthRegistry) {}

  async report(): Promise<HealthReport> {
    const runners = this.currentRunners();
    const reports = await Promise.all(
      runners.map(async (runner) => ({ probe: runner.probe, check: await runner.run() })),
    );
    const troubled = reports.filter(({ check }) => check.status !== 'up');
    const cannotServe = troubled.some(
      ({ probe, check }) => probe.critical && check.status === 'down',
    );
    return {
      status: cannotServe ? 'down' : troubled.length > 0 ? 'degraded' : 'ok',
      message:
        troubled.length === 0
          ? 'Millrace is up.'
          : `${cannotServe ? 'Millrace cannot serve' : 'Millrace is up'}; trouble: ${troubled
              .map(({ probe, check }) => `${probe.name} (${check.message})`)
              .join(', ')}.`,
      checks: Object.fromEntries(reports.map(({ probe, check }) => [probe.name, check])),
    };
  }

  /** Probes are registered while the modules start, after this service was made. */
  private currentRunners(): readonly ProbeRunner[] {
    const known = new Set(this.runners.map((runner) => runner.probe));
    const added = this.registry.probes.filter((probe) => !known.has(probe));
    this.runners = [...this.runners, ...added.map((probe) => new ProbeRunner(probe, DEADLINE_MS))];
    return this.runners;
  }
}
