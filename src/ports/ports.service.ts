import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../common/http/paging.js';
import type { PortSpan } from '../config/value-parsers.js';
import { HostPorts } from './host/host-ports.js';
import type { PortLease } from './port-lease.js';
import { PortLeaseStore } from './port-lease-store.js';
import { PortRange } from './port-range.js';

/** Ports that programs of others have are shown up to so many. */
export const MOST_SKIPPED = 200;

/** Ports of a host that are given to nobody, and why. */
export interface SkippedPorts extends PortSpan {
  readonly host: string;
  readonly code: 'ephemeral' | 'in_use';
  readonly reason: string;
}

export interface PortsView {
  readonly range: PortSpan;
  readonly skipped: readonly SkippedPorts[];
  readonly page: Page<PortLease>;
}

/** Shows which ports are given, to what, and which are not. */
@Injectable()
export class PortsService {
  constructor(
    private readonly store: PortLeaseStore,
    private readonly range: PortRange,
    private readonly host: HostPorts,
  ) {}

  /** The kernel's ports are those of the host of this process. */
  async view(request: PageRequest): Promise<PortsView> {
    const [page, inUse, ephemeral] = await Promise.all([
      this.store.page(request),
      this.store.list({ states: ['in_use'] }, MOST_SKIPPED),
      this.range.skipped(),
    ]);
    const { host } = this.host;
    const reason = 'the kernel gives them to outgoing connections';
    return {
      range: this.range.configured,
      skipped: [
        ...ephemeral.map((span) => ({ ...span, host, code: 'ephemeral' as const, reason })),
        ...inUse.map(programHas),
      ],
      page,
    };
  }
}

function programHas({ host, port, reason }: PortLease): SkippedPorts {
  return { from: port, to: port, host, code: 'in_use', reason: reason ?? 'a program has it' };
}
