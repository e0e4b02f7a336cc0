import { stepDefaults } from '../definition/step-defaults.js';
import type { PipelineDefinition } from '../definition/definition.js';
import { isNamedByPipeline, isRustciDeploy, meantDeploy } from '../steps/deploy/rustci-deploy.js';
import type { ProblemSink } from './problem-sink.js';

/** What deployments in the form of RustCI mean, which only the whole pipeline says. */
export function checkDeploys(definition: PipelineDefinition, sink: ProblemSink): void {
  let isNamed = false;
  for (const stage of definition.stages) {
    for (const { action, place } of stage.steps) {
      if (!isRustciDeploy(action)) continue;
      const meant = meantDeploy(action.rustci, stepDefaults(definition, stage), sink);
      if (meant === undefined || !isNamedByPipeline(action)) continue;
      if (isNamed) {
        const message = `Two steps would deploy the service "${meant.service}".`;
        sink.error('missing_key', message, place, 'Add service: <name> to config');
      }
      isNamed = true;
    }
  }
}
