import type { PipelineDefinition, StepDefinition } from '../definition/definition.js';
import { reachableFrom } from './dependency-graph.js';
import { stageNeeds } from './needs.js';
import type { ProblemSink } from './problem-sink.js';

/**
 * Who takes artifacts of a stage of the same pipeline names one that is there, and that is over
 * before. Hooks run behind all stages.
 */
export function checkArtifactSources(definition: PipelineDefinition, sink: ProblemSink): void {
  const stages = new Set(definition.stages.map(({ name }) => name));
  const order = stageNeeds(definition.stages);
  const check = (step: StepDefinition, own: string | undefined): void => {
    const { artifactsFrom = [], place } = step;
    for (const { stage, pipeline } of artifactsFrom) {
      if (pipeline !== undefined || stage === undefined) continue;
      if (!stages.has(stage)) {
        const message = `There is no stage "${stage}", whose artifacts "${place.name}" takes.`;
        sink.error('unknown_stage', message, place, `Write one of ${[...stages].join(', ')}`);
      } else if (own !== undefined && own !== stage && !reachableFrom(own, order).has(stage)) {
        const message = `Nothing here waits for the stage "${stage}": its artifacts may not be there yet.`;
        sink.warn('not_waited_for', message, place, `Add needs: [${stage}]`);
      }
    }
  };
  for (const { name, steps } of definition.stages) steps.forEach((step) => check(step, name));
  for (const hook of [...definition.onFailure, ...definition.always]) check(hook, undefined);
}
