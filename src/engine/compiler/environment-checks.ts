import type { PipelineDefinition } from '../definition/definition.js';
import type { ExpressionUse } from '../yaml/reader.js';
import type { YamlPath } from '../yaml/problem.js';
import { offsetInText } from '../yaml/expression-readers.js';
import { variableOrder, variableReferences } from '../expression/variable-references.js';
import { valueOf } from '../../common/values/name-record.js';
import type { Environment } from '../plan/plan.js';
import type { ProblemSink } from './problem-sink.js';

/** Variables of one map whose texts read each other in a circle: none of them has a value. */
export function checkEnvironments(definition: PipelineDefinition, sink: ProblemSink): void {
  checkOne(definition, definition.environment, [], sink);
  const sidecars = [definition, ...definition.stages].flatMap((level) => level.sidecars);
  for (const { environment, place } of sidecars)
    checkOne(definition, environment, place.path, sink);
  for (const stage of definition.stages) {
    checkOne(definition, stage.environment, ownerPath(stage.place.path), sink);
    for (const step of stage.steps) {
      checkOne(definition, step.environment, ownerPath(step.place.path), sink);
    }
  }
  for (const hook of [...definition.onFailure, ...definition.always]) {
    checkOne(definition, hook.environment, ownerPath(hook.place.path), sink);
  }
}

function checkOne(
  definition: PipelineDefinition,
  environment: Environment,
  owner: YamlPath,
  sink: ProblemSink,
): void {
  const order = variableOrder(variableReferences(environment));
  if (order.kind !== 'circle') return;
  const [first = ''] = order.names;
  const use = definition.expressions.find((one) => isOf(one, first, environment, owner));
  const place =
    use === undefined
      ? { path: [...owner, 'environment'], offset: 0 }
      : { path: use.path, offset: offsetInText(definition, use.node, 0) };
  const message = `The variables read each other in a circle: ${order.names.join(' -> ')}.`;
  const hint = 'Write one of them without the others, or on a level outside this one';
  sink.error('variable_cycle', message, place, hint);
}

/** The text of a variable of the map at `owner`; an item of a list is known by its text. */
function isOf(
  { path, text }: ExpressionUse,
  name: string,
  environment: Environment,
  owner: YamlPath,
): boolean {
  if (owner.some((key, index) => path[index] !== key)) return false;
  const rest = path.slice(owner.length);
  const inside = rest[0] === 'config' ? rest.slice(1) : rest;
  if (inside.length !== 2 || inside[0] !== 'environment') return false;
  return (
    inside[1] === name || (typeof inside[1] === 'number' && text === valueOf(environment, name))
  );
}

/** A written name stands one deeper than its owner. */
function ownerPath(path: YamlPath): YamlPath {
  return path.at(-1) === 'name' ? path.slice(0, -1) : path;
}
