import { mergedNames } from '../../common/values/name-record.js';
import type { PipelineDefinition, StageDefinition } from './definition.js';
import { nearestSettings } from '../steps/container/container-settings.js';
import type { StepDefaults } from '../steps/step-kind.js';

/** What a step has where it says nothing; hooks stand in no stage. */
export function stepDefaults(
  { shell, separateStreams, container, path, environment, name }: PipelineDefinition,
  stage?: StageDefinition,
): StepDefaults {
  return {
    ...{ shell, separateStreams, container: nearestSettings(container, stage?.container) },
    path: [...(stage?.path ?? []), ...path],
    environment: mergedNames(environment, stage?.environment),
    pipeline: name,
  };
}
