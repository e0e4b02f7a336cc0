import type { InputDefinition } from '../../engine/plan/input-definition.js';
import type { DefinitionDocument } from '../../engine/definition/definition-document.js';
import type { Problem } from '../../engine/yaml/problem.js';
import type { Plan } from '../../engine/plan/plan.js';

/**
 * What a pipeline's YAML says, or why it cannot be used. Plain JSON: it may come from a child
 * process.
 */
export type CompiledYaml =
  | {
      readonly kind: 'valid';
      readonly definition: DefinitionDocument;
      readonly inputs: readonly InputDefinition[];
      readonly plan: Plan;
      readonly planHash: string;
      /** Warnings only. */
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };
