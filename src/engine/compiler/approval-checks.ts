import type { PipelineDefinition } from '../definition/definition.js';
import { APPROVAL_KIND } from '../steps/approval/approval-action.js';
import type { ProblemSink } from './problem-sink.js';

/** Nothing comes after a hook that could wait: an approval there is an error. */
export function checkApprovals(definition: PipelineDefinition, sink: ProblemSink): void {
  for (const { action, place, name } of [...definition.onFailure, ...definition.always]) {
    if (action.kind !== APPROVAL_KIND) continue;
    const message = `The hook "${name}" waits for an approval; hooks never wait.`;
    sink.error('approval_in_hook', message, place, 'Move it into a stage');
  }
}
