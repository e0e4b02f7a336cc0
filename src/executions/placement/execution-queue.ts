import { CONTAINERS_LABEL } from '../../common/values/worker-labels.js';
import type { Plan } from '../../engine/plan/plan.js';
import { usesContainers } from '../../engine/steps/uses-containers.js';

/** Queue of executions that ask for no label. */
const ANY_WORKER = 'any';

/**
 * One queue per set of labels asked for: `any` for none, or the labels in order, `gpu+linux`. A
 * label `any` is one like others; where it is the only one its queue is `any+any`.
 */
export function queueForLabels(labels: readonly string[]): string {
  if (labels.length === 0) return ANY_WORKER;
  const name = [...new Set(labels)].sort().join('+');
  return name === ANY_WORKER ? `${ANY_WORKER}+${ANY_WORKER}` : name;
}

/** The queue of the executions of a plan. */
export function queueForPlan(plan: Plan): string {
  return queueForLabels([...plan.runsOn, ...(usesContainers(plan) ? [CONTAINERS_LABEL] : [])]);
}

/** The labels that a queue's executions ask for. */
export function labelsOfQueue(queue: string): readonly string[] {
  return queue === ANY_WORKER ? [] : [...new Set(queue.split('+'))];
}

/** True when the executions of a queue have steps in containers. */
export function needsEngine(queue: string): boolean {
  return labelsOfQueue(queue).includes(CONTAINERS_LABEL);
}

/** True when a worker that offers `labels` may take executions from the queue. */
export function servesQueue(labels: readonly string[], queue: string): boolean {
  return labelsOfQueue(queue).every((label) => labels.includes(label));
}
