import type { PipelineDefinition, Shell, StepDefinition } from '../definition/definition.js';
import { offsetInText } from '../definition/expression-readers.js';
import { formatPath, type YamlPath } from '../definition/problem.js';
import type { ExpressionUse } from '../definition/reader.js';
import { parseTemplate, type Template } from '../expression/template.js';
import { expressionPlaces } from '../shell/expression-places.js';
import { adviceFor } from '../shell/place-advice.js';
import type { ProblemSink } from './problem-sink.js';

/** Variables whose value a shell runs as code, or takes the commands to run first from. */
const RUN_BY_SHELLS = new Set([
  'BASH_ENV',
  'ENV',
  'PS4',
  'PROMPT_COMMAND',
  'SHELLOPTS',
  'BASHOPTS',
]);

/** Expressions in commands stand where a shell surely takes their value as a value; anything else is an error. */
export function checkCommands(definition: PipelineDefinition, sink: ProblemSink): void {
  const uses = new Map<string, ExpressionUse[]>();
  for (const use of definition.expressions) {
    const owner = formatPath(ownerPath(use.path));
    uses.set(owner, [...(uses.get(owner) ?? []), use]);
  }
  const steps = definition.stages.flatMap((stage) => stage.steps);
  for (const step of [...steps, ...definition.onFailure, ...definition.always]) {
    const { path } = step.place;
    const own = uses.get(formatPath(path.at(-1) === 'name' ? path.slice(0, -1) : path)) ?? [];
    for (const { use, why, part } of misplaced(step, definition.shell, own)) {
      const { message, suggestion } = adviceFor(why, part.expression.source.trim());
      const index = use.text.lastIndexOf('${{', part.offset);
      const place = { path: use.path, offset: offsetInText(definition, use.node, index) };
      sink.error('misplaced_expression', message, place, suggestion);
    }
  }
  checkVariables(definition, sink);
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

function* misplaced({ action }: StepDefinition, shell: Shell, uses: readonly ExpressionUse[]) {
  if (action.kind !== 'shell' || uses.length === 0) return;
  const templates = action.commands.map(templateOf);
  const places = expressionPlaces(templates, action.shell ?? shell);
  const waiting = [...uses];
  let number = 0;
  for (const template of templates) {
    const at = waiting.findIndex((use) => use.text === template.source);
    const use = waiting[at];
    if (at >= 0) waiting.splice(at, 1);
    for (const part of template.parts) {
      if (part.kind !== 'expression') continue;
      const place = places[number++];
      if (place?.kind === 'refused' && use !== undefined) yield { use, why: place.why, part };
    }
  }
}

/** Of a command that was read: its expressions have no mistakes. */
function templateOf(source: string): Template {
  const parsed = parseTemplate(source);
  return parsed.ok ? parsed.template : { source, parts: [{ kind: 'text', text: source }] };
}

/** The step that a command belongs to: without `run`, `run[2]` or `config.script`. */
function ownerPath(path: YamlPath): YamlPath {
  const key = /^(run|script|command)$/;
  let end = path.length;
  if (typeof path[end - 1] === 'number' && key.test(String(path[end - 2]))) end -= 1;
  if (key.test(String(path[end - 1]))) end -= path[end - 2] === 'config' ? 2 : 1;
  return path.slice(0, end);
}
