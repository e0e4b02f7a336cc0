import { Injectable } from '@nestjs/common';
import type { HealthProbe } from './health-probe.js';

/**
 * Where parts of every level leave their probe, in `onModuleInit`; the health module shows them.
 */
@Injectable()
export class HealthRegistry {
  private readonly byName = new Map<string, HealthProbe>();

  register(probe: HealthProbe): void {
    if (this.byName.has(probe.name)) throw new Error(`two probes are named ${probe.name}`);
    this.byName.set(probe.name, probe);
  }

  get probes(): readonly HealthProbe[] {
    return [...this.byName.values()];
  }
}
