import type {
  PipelineDefinition,
  StageDefinition,
  StepDefinition,
} from '../definition/definition.js';
import type { ContainerDraft } from '../steps/container/container-kind.js';
import { CONTAINER_KIND } from '../steps/container/container-action.js';
import { imageOf, nearestSettings } from '../steps/container/container-settings.js';
import type { StepDraft } from '../steps/step-kind.js';
import type { ProblemSink } from './problem-sink.js';
import { stepDefaults } from '../definition/step-defaults.js';

/** Who says how a container is made has an image, and who has none has commands. */
export function checkContainers(definition: PipelineDefinition, sink: ProblemSink): void {
  for (const stage of definition.stages) {
    for (const step of stage.steps) checkStep(definition, stage, step, sink);
  }
  for (const hook of [...definition.onFailure, ...definition.always]) {
    checkStep(definition, undefined, hook, sink);
  }
}

function checkStep(
  definition: PipelineDefinition,
  stage: StageDefinition | undefined,
  { action, place }: StepDefinition,
  sink: ProblemSink,
): void {
  if (!isContainer(action)) return;
  const { container } = stepDefaults(definition, stage);
  if (imageOf(nearestSettings(container, action.container)) !== undefined) return;
  if (action.commands.length === 0) {
    sink.error('missing_action', 'The step has nothing to do.', place, 'Add run: <command>');
  }
  if (Object.keys(action.container).every((key) => key === 'image')) return;
  sink.error(
    'missing_image',
    `The step "${place.name}" says how its container is made, but it runs in none.`,
    place,
    'Add image: to the step, its stage or defaults',
  );
}

function isContainer(draft: StepDraft): draft is ContainerDraft {
  return draft.kind === CONTAINER_KIND;
}
