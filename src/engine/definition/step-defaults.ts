import type { PipelineDefinition, StageDefinition } from './definition.js';
import { nearestSettings } from '../steps/container/container-settings.js';
import type { StepDefaults } from '../steps/step-kind.js';

/** What a step has where it says nothing; hooks stand in no stage. */
export function stepDefaults(
  { shell, separateStreams, container }: PipelineDefinition,
  stage?: StageDefinition,
): StepDefaults {
  return { shell, separateStreams, container: nearestSettings(container, stage?.container) };
}
