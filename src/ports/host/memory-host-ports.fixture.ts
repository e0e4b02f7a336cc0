import type { PortSpan } from '../../config/value-parsers.js';
import { HostPorts, type PortHolder } from './host-ports.js';

/** A host whose ports a spec takes and gives back. */
export class MemoryHostPorts extends HostPorts {
  /** Who is at a port; of several, each at an address of its own, the first is told. */
  private readonly holders = new Map<number, PortHolder[]>();
  spans: readonly PortSpan[] = [];
  /** Ports that were looked at, in that order. */
  readonly asked: number[] = [];

  constructor(readonly host = 'here') {
    super();
  }

  /** @returns what ends it */
  occupy(port: number, holder: PortHolder = {}): () => void {
    this.holders.set(port, [...(this.holders.get(port) ?? []), holder]);
    return () => {
      const left = (this.holders.get(port) ?? []).filter((each) => each !== holder);
      this.holders.set(port, left);
    };
  }

  async isFree(port: number): Promise<boolean> {
    this.asked.push(port);
    return (this.holders.get(port) ?? []).length === 0;
  }

  async holderOf(port: number): Promise<PortHolder | undefined> {
    return this.holders.get(port)?.[0];
  }

  async ephemeral(): Promise<readonly PortSpan[]> {
    return this.spans;
  }
}
