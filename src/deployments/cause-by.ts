import type { Principal } from '../auth/principals/principal.js';
import type { DeploymentCause } from '../environments/approval.js';

/**
 * Whoever asks for it is who deploys; who stands behind what is deployed may not approve this
 * either.
 * @param made undefined: nobody is known behind it
 */
export function causeBy(made: DeploymentCause | undefined, by: Principal): DeploymentCause {
  return {
    deployer: by.id,
    accounts: [...new Set([by.id, ...(made?.accounts ?? [])])],
    names: made?.names ?? [],
    branch: made?.branch ?? null,
    plan_hash: made?.plan_hash ?? null,
  };
}
