import type { Reason } from '../../engine/plan/run-state.js';

/** How something stands that a step waits for. */
export type OutsideView =
  /** The step is to continue; it says itself what has become of it. */
  | { readonly kind: 'over'; readonly reason: Reason }
  /** @property until nothing is known to change before that; absent: people decide */
  | { readonly kind: 'waits'; readonly until?: Date | undefined };

/**
 * What steps wait for that features above know. One registers before anything is looked at, in
 * every role; where none does, nobody waits for it.
 */
export class OutsideWaits {
  private look: ((deploymentId: string) => Promise<OutsideView>) | undefined;

  /** @param look rejects when the database is away */
  registerDeployments(look: (deploymentId: string) => Promise<OutsideView>): void {
    if (this.look !== undefined) throw new Error('two look at deployments');
    this.look = look;
  }

  /** @throws where nobody has registered: a defect of ours */
  deployment(id: string): Promise<OutsideView> {
    if (this.look === undefined) throw new Error('nobody looks at deployments');
    return this.look(id);
  }
}
