import type { InstanceCheck } from '../engine/steps/deploy/deploy-action.js';
import type { DeployedService } from './deployed-services.js';
import type { WatchedService } from './record/watched-service.js';

/**
 * The checks of the instance of a service: those of its deployment, and those that somebody has
 * asked for under other names. None where there is no instance.
 */
export function checksOf({
  watched,
  deployed,
}: {
  readonly watched?: Pick<WatchedService, 'checks'> | undefined;
  readonly deployed?: Pick<DeployedService, 'hasInstance' | 'checks'> | undefined;
}): readonly InstanceCheck[] {
  if (deployed?.hasInstance !== true) return [];
  const own = new Set(deployed.checks.map(({ name }) => name));
  return [...deployed.checks, ...(watched?.checks ?? []).filter(({ name }) => !own.has(name))];
}
