import type { RepositorySupport } from '../../common/values/repository-url.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { hashPlan } from '../../engine/compiler/hash-plan.js';
import { definitionDocument } from '../../engine/definition/definition-document.js';
import type { CompiledYaml } from './compiled-yaml.js';

/**
 * From YAML to all that is stored of it. Never throws, but may take long or end the process: see
 * `YamlCompiler`.
 */
export function compileSource(
  yaml: string,
  repositories: RepositorySupport = { ssh: false },
): CompiledYaml {
  const { definition, plan, problems } = compileYaml(yaml, repositories);
  if (definition === undefined || plan === undefined) return { kind: 'invalid', problems };
  return {
    kind: 'valid',
    definition: definitionDocument(definition),
    inputs: definition.inputs,
    plan,
    planHash: hashPlan(plan),
    problems,
  };
}
