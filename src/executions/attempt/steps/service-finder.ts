import type { ServiceLookup } from '../../../engine/expression/scope.js';
import type { RunContext } from '../../../engine/plan/plan.js';

/** Where a service answers, or why that is not told. */
export type FoundService = Exclude<ServiceLookup, { kind: 'pending' }>;

/** Port: where services answer now. Whoever deploys implements it. */
export abstract class ServiceFinder {
  /**
   * @param name `shop` of the environment `default`, or `production/shop`
   * @param context of the run that asks
   * @param signal ends a wait for what is about to be decided. Never rejects.
   */
  abstract find(name: string, context: RunContext, signal: AbortSignal): Promise<FoundService>;
}
