import type { RepositorySupport } from '../../common/values/repository-url.js';
import type { PipelineDefinition } from '../definition/definition.js';
import { readDefinition } from '../definition/parse-definition.js';
import { hasErrors, inTextOrder, type Problem } from '../yaml/problem.js';
import type { Plan } from '../plan/plan.js';
import { checkDefinition, compilePlan } from './compile-plan.js';

export interface CompiledPipeline {
  /** Both absent when a problem is an error. */
  readonly definition?: PipelineDefinition;
  readonly plan?: Plan;
  /** All of the file, in its order. */
  readonly problems: readonly Problem[];
}

/**
 * From text to plan in one, telling the mistakes of single parts and those between parts together.
 * Never throws.
 */
export function compileYaml(
  yamlText: string,
  repositories: RepositorySupport = { ssh: false },
): CompiledPipeline {
  const { draft, problems } = readDefinition(yamlText, repositories);
  if (draft === undefined) return { problems: inTextOrder(problems) };
  if (hasErrors(problems)) {
    return { problems: inTextOrder([...problems, ...checkDefinition(draft)]) };
  }
  const compiled = compilePlan(draft);
  const all = inTextOrder([...problems, ...compiled.problems]);
  return compiled.plan === undefined
    ? { problems: all }
    : { definition: draft, plan: compiled.plan, problems: all };
}
