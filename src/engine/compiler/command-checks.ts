import type {
  PipelineDefinition,
  StageDefinition,
  StepDefinition,
} from '../definition/definition.js';
import { draftWith, kindOf } from '../steps/step-kind-registry.js';
import type { StepDefaults, StepExpression } from '../steps/step-kind.js';
import { offsetInText } from '../yaml/expression-readers.js';
import { formatPath, type YamlPath } from '../yaml/problem.js';
import type { ExpressionUse } from '../yaml/reader.js';
import type { ProblemSink } from './problem-sink.js';
import { stepDefaults } from '../definition/step-defaults.js';

/** Variables whose value a shell runs as code, or takes the commands to run first from. */
const RUN_BY_SHELLS = new Set([
  'BASH_ENV',
  'ENV',
  'PS4',
  'PROMPT_COMMAND',
  'SHELLOPTS',
  'BASHOPTS',
]);

/**
 * Expressions stand where they are surely taken as a value; the kind of a step says where that is.
 */
export function checkCommands(definition: PipelineDefinition, sink: ProblemSink): void {
  const defaults = new Map(definition.stages.flatMap(defaultsBySteps(definition)));
  const ofHooks = stepDefaults(definition);
  const all = [...defaults.keys(), ...definition.onFailure, ...definition.always];
  const uses = usesByStep(definition, all);
  for (const step of all) {
    const known = defaults.get(step) ?? ofHooks;
    const draft = draftWith(step.action, known);
    const found = kindOf(draft).misplaced?.(draft, known, uses.get(step) ?? []);
    for (const { use, part, message, suggestion } of found ?? []) {
      const index = use.text.lastIndexOf('${{', part.offset);
      const place = { path: use.path, offset: offsetInText(definition, use.node, index) };
      sink.error('misplaced_expression', message, place, suggestion);
    }
  }
  checkVariables(definition, sink);
}

function defaultsBySteps(
  definition: PipelineDefinition,
): (stage: StageDefinition) => (readonly [StepDefinition, StepDefaults])[] {
  return (stage) => stage.steps.map((step) => [step, stepDefaults(definition, stage)] as const);
}

/** `stages[0].steps[1]`, `steps[1]` or `always[1]`. */
const STEP_PATHS = [4, 2];

function usesByStep(
  definition: PipelineDefinition,
  steps: readonly StepDefinition[],
): ReadonlyMap<StepDefinition, readonly StepExpression[]> {
  const owners = new Map(steps.map((step) => [formatPath(pathOf(step)), step]));
  const uses = new Map<StepDefinition, StepExpression[]>();
  for (const use of definition.expressions) {
    for (const length of STEP_PATHS) {
      const owner = owners.get(formatPath(use.path.slice(0, length)));
      if (owner === undefined) continue;
      const found = uses.get(owner) ?? [];
      found.push({ use, keys: use.path.slice(length) });
      uses.set(owner, found);
      break;
    }
  }
  return uses;
}

/** A written name stands one deeper than its step. */
function pathOf({ place: { path } }: StepDefinition): YamlPath {
  return path.at(-1) === 'name' ? path.slice(0, -1) : path;
}

function checkVariables(definition: PipelineDefinition, sink: ProblemSink): void {
  for (const use of definition.expressions) {
    const name = variableOf(use);
    if (name === undefined || !RUN_BY_SHELLS.has(name)) continue;
    const place = { path: use.path, offset: offsetInText(definition, use.node, 0) };
    const message = `${name} cannot hold an expression: shells run its value as code.`;
    const hint = 'Write a text of your own there, and give the value to a variable of another name';
    sink.error('misplaced_expression', message, place, hint);
  }
}

/** The variable of an `environment` that holds it, which is a map or a list of `NAME=value`. */
function variableOf({ path, node }: ExpressionUse): string | undefined {
  if (path.at(-2) !== 'environment') return undefined;
  const key = path.at(-1);
  if (typeof key === 'string') return key;
  return node.kind === 'scalar' ? /^\w+(?==)/.exec(node.text)?.[0] : undefined;
}
