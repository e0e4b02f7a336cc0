import type {
  PipelineDefinition,
  StageDefinition,
  StepDefinition,
} from '../definition/definition.js';
import { templateReferences } from '../expression/expression-references.js';
import { parseTemplate } from '../expression/template.js';
import { BUILD_KIND } from '../steps/build/build-action.js';
import { DEPLOY_KIND } from '../steps/deploy/deploy-action.js';
import { offsetInText } from '../yaml/expression-readers.js';
import { formatPath, type YamlPath } from '../yaml/problem.js';
import type { ExpressionUse } from '../yaml/reader.js';
import type { ProblemSink } from './problem-sink.js';

/** Where the settings of a build stand in a step, by its kind, in either form. */
const SETTINGS: ReadonlyMap<string, readonly string[]> = new Map([
  [BUILD_KIND, ['build', 'config']],
  [DEPLOY_KIND, ['deploy.build', 'config.build']],
]);

/**
 * No text of a build reads a secret: arguments and labels stay in the image for whoever has it.
 * What comes by way of other variables is found when the step begins.
 */
export function checkBuilds(definition: PipelineDefinition, sink: ProblemSink): void {
  for (const stage of definition.stages) {
    for (const step of stage.steps) checkBuild(definition, stage, step, sink);
  }
  for (const hook of [...definition.onFailure, ...definition.always]) {
    checkBuild(definition, undefined, hook, sink);
  }
}

function checkBuild(
  definition: PipelineDefinition,
  stage: StageDefinition | undefined,
  step: StepDefinition,
  sink: ProblemSink,
): void {
  const settings = SETTINGS.get(step.action.kind);
  if (settings === undefined) return;
  const levels = [definition, ...(stage ? [stage] : []), step];
  const secrets = new Set(levels.flatMap((level) => level.secrets.map(({ name }) => name)));
  const own = formatPath(pathOf(step));
  for (const use of definition.expressions) {
    const path = formatPath(use.path);
    if (!settings.some((key) => `${path}.`.startsWith(`${own}.${key}.`))) continue;
    const name = secretIn(use, secrets);
    if (name === undefined) continue;
    const message = `The secret "${name}" would stand in the image for whoever has it.`;
    const hint = `Write secrets: [${name}], and mount it: RUN --mount=type=secret,id=${name} …`;
    const offset = offsetInText(definition, use.node, use.text.indexOf('${{'));
    sink.error('secret_in_args', message, { path: use.path, offset }, hint);
  }
}

function secretIn(use: ExpressionUse, secrets: ReadonlySet<string>): string | undefined {
  const parsed = parseTemplate(use.text);
  if (!parsed.ok) return undefined;
  for (const { root, path } of templateReferences(parsed.template).references) {
    const [name] = path;
    if (root === 'env' && name !== undefined && secrets.has(name)) return name;
  }
  return undefined;
}

/** A written name stands one deeper than its step. */
function pathOf({ place: { path } }: StepDefinition): YamlPath {
  return path.at(-1) === 'name' ? path.slice(0, -1) : path;
}
