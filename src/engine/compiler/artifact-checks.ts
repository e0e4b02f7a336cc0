import type { PipelineDefinition, StepDefinition } from '../definition/definition.js';
import type { ProblemSink } from './problem-sink.js';

/** Who takes artifacts of a stage of the same pipeline names one that is there. */
export function checkArtifactSources(definition: PipelineDefinition, sink: ProblemSink): void {
  const stages = new Set(definition.stages.map(({ name }) => name));
  const check = ({ artifactsFrom = [], place }: StepDefinition): void => {
    for (const { stage, pipeline } of artifactsFrom) {
      if (pipeline !== undefined || stage === undefined || stages.has(stage)) continue;
      const message = `There is no stage "${stage}", whose artifacts "${place.name}" takes.`;
      sink.error('unknown_stage', message, place, `Write one of ${[...stages].join(', ')}`);
    }
  };
  for (const stage of definition.stages) stage.steps.forEach(check);
  for (const hook of [...definition.onFailure, ...definition.always]) check(hook);
}
