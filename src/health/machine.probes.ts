import { statfs } from 'node:fs/promises';
import { HealthProbe, type ProbeResult } from '../common/health/health-probe.js';
import { formatSize } from '../config/value-parsers.js';
import { availableMemory } from '../common/health/available-memory.js';
import type { MillraceConfig } from '../config/millrace-config.js';

/** Space under `MILLRACE_HOME` of the machine that the API runs on. */
export class DiskProbe extends HealthProbe {
  readonly name = 'disk';
  readonly critical = false;
  readonly downMessage = 'cannot be read: is MILLRACE_HOME there?';

  constructor(private readonly config: Pick<MillraceConfig, 'home' | 'minFreeDisk'>) {
    super();
  }

  async check(): Promise<ProbeResult> {
    const { bavail, bsize } = await statfs(this.config.home);
    return floorResult(bavail * bsize, this.config.minFreeDisk, 'MIN_FREE_DISK');
  }
}

/** Memory of the machine that the API runs on. */
export class MemoryProbe extends HealthProbe {
  readonly name = 'memory';
  readonly critical = false;
  readonly downMessage = 'cannot be read';

  constructor(private readonly config: Pick<MillraceConfig, 'minFreeMemory'>) {
    super();
  }

  async check(): Promise<ProbeResult> {
    return floorResult(await availableMemory(), this.config.minFreeMemory, 'MIN_FREE_MEMORY');
  }
}

function floorResult(free: number, floor: number, variable: string): ProbeResult {
  const data = { free_bytes: free, floor_bytes: floor };
  if (free >= floor) return { status: 'up', message: 'enough is free', data };
  return {
    status: 'degraded',
    message: `less than ${formatSize(floor)} is free: no new executions here (${variable})`,
    data,
  };
}
