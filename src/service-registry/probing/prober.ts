import type { InstanceCheck } from '../../engine/steps/deploy/deploy-action.js';
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
  /** It is no address, but a check of the instance that serves. */
  readonly instance?: InstanceTarget | undefined;
}

/** A check of the instance of a service that Millrace has deployed. */
export interface InstanceTarget {
  /** `environment/name`. */
  readonly service: string;
  /** Where it runs. */
  readonly host: string;
  readonly check: InstanceCheck;
}

/**
 * Port: looks into the instance that serves. Whoever deploys implements it, for the workers of its
 * host.
 */
export abstract class InstanceProber {
  /**
   * Ends within the timeout of the check but for what ending a command takes, and never rejects.
   * What an instance said is masked where its secrets are known.
   */
  abstract look(target: InstanceTarget): Promise<ProbeResult>;
}

/** Port: asks an endpoint once. Adapter: the network. */
export abstract class Prober {
  /** Ends within `check.timeout_seconds`, and never rejects. */
  abstract probe(target: ProbeTarget, check: ServiceCheck): Promise<ProbeResult>;
}
