/** Queue of executions that ask for no label. */
const ANY_WORKER = 'any';

/** One queue per set of labels asked for: `any`, or the labels in order, `gpu+linux`. */
export function queueForLabels(labels: readonly string[]): string {
  return labels.length === 0 ? ANY_WORKER : [...new Set(labels)].sort().join('+');
}

/** The labels that a queue's executions ask for. */
export function labelsOfQueue(queue: string): readonly string[] {
  return queue === ANY_WORKER ? [] : queue.split('+');
}

/** True when a worker that offers `labels` may take executions from the queue. */
export function servesQueue(labels: readonly string[], queue: string): boolean {
  return labelsOfQueue(queue).every((label) => labels.includes(label));
}
