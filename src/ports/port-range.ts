import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { MillraceConfig } from '../config/millrace-config.js';
import type { PortSpan } from '../config/value-parsers.js';
import { HostPorts } from './host/host-ports.js';
import { common, portsOf, without } from './host/port-spans.js';

/** Which ports of this host are given to whoever names none. */
@Injectable()
export class PortRange implements OnApplicationBootstrap {
  private readonly logger = new Logger('Ports');

  constructor(
    private readonly config: MillraceConfig,
    private readonly host: HostPorts,
  ) {}

  /** `PORT_RANGE` */
  get configured(): PortSpan {
    return this.config.portRange;
  }

  /** What of the range the kernel gives to outgoing connections. */
  async skipped(): Promise<PortSpan[]> {
    return common(this.configured, await this.host.ephemeral());
  }

  /** What is left, lowest first; asked again each time, since administrators change it. */
  async usable(): Promise<number[]> {
    return portsOf(without(this.configured, await this.host.ephemeral()));
  }

  async onApplicationBootstrap(): Promise<void> {
    const skipped = await this.skipped();
    if (skipped.length === 0) return;
    const left = (await this.usable()).length;
    this.logger.warn(
      { skipped, left },
      'PORT_RANGE overlaps the ports of outgoing connections (net.ipv4.ip_local_port_range): those are skipped; choose another range, or name them in net.ipv4.ip_local_reserved_ports',
    );
  }
}
