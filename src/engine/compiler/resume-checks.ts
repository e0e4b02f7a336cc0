import type { PipelineDefinition } from '../definition/definition.js';
import { kindOf } from '../steps/step-kind-registry.js';
import { stageNeeds } from './needs.js';
import type { ProblemSink } from './problem-sink.js';

/**
 * With `resume` a later stage may begin in a fresh workspace: what a step put there for it is gone.
 * A warning.
 */
export function checkResume(definition: PipelineDefinition, sink: ProblemSink): void {
  if (!definition.resume) return;
  const needed = new Set([...stageNeeds(definition.stages).values()].flat());
  for (const stage of definition.stages.filter(({ name }) => needed.has(name))) {
    for (const step of stage.steps) {
      if (kindOf(step.action).fillsWorkspace !== true) continue;
      const message = `When a later stage is resumed, what "${step.name}" puts into the workspace is not there: its stage is kept and does not run again.`;
      const hint =
        'Name it as the repository of the pipeline, which is cloned again; or remove resume';
      sink.warn('resume_without_files', message, step.place, hint);
    }
  }
}
