import type { ServiceLookup } from '../expression/scope.js';
import type { RunPorts } from './run-ports.js';

/** Of one try of a step: more than anybody needs, and few enough to be asked for. */
const MOST_SERVICES = 50;

/**
 * Services that the texts of one try name. Evaluation waits for nobody: what it finds missing is
 * asked for, and the texts are evaluated again.
 */
export class FoundServices {
  private readonly found = new Map<string, ServiceLookup>();
  private readonly wanted = new Set<string>();

  constructor(private readonly ports: Pick<RunPorts, 'findService'>) {}

  /** For a scope. */
  readonly lookUp = (name: string): ServiceLookup => {
    const known = this.found.get(name);
    if (known !== undefined) return known;
    if (this.found.size + this.wanted.size >= MOST_SERVICES && !this.wanted.has(name)) {
      const message = `a step reads the addresses of at most ${MOST_SERVICES} services`;
      return { kind: 'unavailable', message };
    }
    this.wanted.add(name);
    return { kind: 'pending' };
  };

  /** Something was missing: what was evaluated does not count. */
  get isIncomplete(): boolean {
    return this.wanted.size > 0;
  }

  /** Asks for what was missing. @param signal nobody needs it any more */
  async complete(signal: AbortSignal): Promise<void> {
    const names = [...this.wanted];
    this.wanted.clear();
    await Promise.all(
      names.map(async (name) => {
        this.found.set(name, (await this.ports.findService?.(name, signal)) ?? NOBODY);
      }),
    );
  }
}

const NOBODY: ServiceLookup = {
  kind: 'unavailable',
  message: 'services are known to a server alone, and this run has none',
};
