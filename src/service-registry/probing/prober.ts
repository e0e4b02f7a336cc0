import type { ProbeResult, ServiceCheck } from '../checks/service-check.js';

/** Where a probe goes. */
export interface ProbeTarget {
  /** As `readEndpoint` gives it. */
  readonly url: string;
  /**
   * True: a place of this host that Millrace's own record names. Only a loopback address is dialled
   * then; else the rules for URLs that somebody wrote hold.
   */
  readonly isOwn: boolean;
}

/** Port: asks an endpoint once. Adapter: the network. */
export abstract class Prober {
  /** Ends within `check.timeout_seconds`, and never rejects. */
  abstract probe(target: ProbeTarget, check: ServiceCheck): Promise<ProbeResult>;
}
