import type { Plan } from '../plan/plan.js';
import { containerUsers } from './container-users.js';

/** Whether any step or sidecar of the plan needs a container engine. */
export function usesContainers(plan: Plan): boolean {
  return containerUsers(plan).length > 0;
}
