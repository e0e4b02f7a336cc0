import { compileYaml } from '../engine/compiler/compile-yaml.js';
import { hashPlan } from '../engine/compiler/hash-plan.js';
import { definitionDocument } from '../engine/definition/definition-document.js';
import type { CompiledYaml } from './compiled-yaml.js';

/** From YAML to all that is stored of it. Never throws, but may take long or end the process: see `YamlCompiler`. */
export function compileSource(yaml: string): CompiledYaml {
  const { definition, plan, problems } = compileYaml(yaml);
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
