import { hasName } from '../../common/values/name-record.js';
import type { PipelineDefinition } from '../definition/definition.js';
import type { Environment } from '../plan/plan.js';
import type { NameUse } from '../yaml/reader.js';
import type { ProblemSink } from './problem-sink.js';

/** A part of a pipeline that has variables and secrets. */
interface Level {
  readonly environment: Environment;
  readonly secrets: readonly NameUse[];
}

/**
 * Names that are a secret and a variable at one place: which of the two a step would get is nothing
 * that a reader should have to know.
 */
export function checkSecrets(definition: PipelineDefinition, sink: ProblemSink): void {
  checkLevel(definition, [], sink);
  for (const level of [definition, ...definition.stages]) {
    // Variables of a sidecar are its own alone.
    for (const sidecar of level.sidecars) checkLevel(sidecar, [], sink);
  }
  for (const stage of definition.stages) {
    checkLevel(stage, [definition], sink);
    for (const step of stage.steps) checkLevel(step, [definition, stage], sink);
  }
  for (const hook of [...definition.onFailure, ...definition.always]) {
    checkLevel(hook, [definition], sink);
  }
}

/** What stands in outer levels was reported there. */
function checkLevel(level: Level, outer: readonly Level[], sink: ProblemSink): void {
  const around = [level, ...outer];
  for (const secret of level.secrets) {
    if (around.some(({ environment }) => hasName(environment, secret.name))) clash(secret, sink);
  }
  for (const secret of outer.flatMap(({ secrets }) => secrets)) {
    if (hasName(level.environment, secret.name)) clash(secret, sink);
  }
}

function clash(secret: NameUse, sink: ProblemSink): void {
  const message = `"${secret.name}" is a secret here, and a variable of environment too.`;
  sink.error('secret_and_variable', message, secret, 'Remove one of them, or give it another name');
}
