import { hasErrors, type Problem } from '../../yaml/problem.js';
import { type Place, ReadContext } from '../../yaml/reader.js';
import { SourceText } from '../../yaml/source-text.js';
import { parseYamlTree } from '../../yaml/yaml-tree.js';
import type { PartDeploy } from './deploy-action.js';
import type { DeployDraft } from './deploy-draft.js';
import { deployReader } from './deploy-keys.js';

/** What is deployed without a step. */
export interface DirectDeploy {
  readonly action: PartDeploy;
  /** Names of the secrets that it uses. */
  readonly secrets: readonly string[];
}

/** Why it cannot be done as it is written; lines and columns mean nothing, paths do. */
export type DirectProblem = Pick<Problem, 'path' | 'code' | 'message' | 'suggestion'>;

/** What is said beside it. */
export interface BesideDeploy {
  readonly artifact?: unknown;
  readonly host?: string | undefined;
}

export type ReadDirectDeploy =
  | ({ readonly kind: 'read' } & DirectDeploy)
  | { readonly kind: 'refused'; readonly problems: readonly DirectProblem[] };

/**
 * Reads the map of the key `deploy` of a step, where there is no step. What only a step can have is
 * refused with what to write instead: expressions, what lies in a workspace, what is built.
 *
 * @param value plain JSON
 */
export function readDirectDeploy(value: unknown, beside: BesideDeploy = {}): ReadDirectDeploy {
  const text = JSON.stringify(value);
  const context = new ReadContext(new SourceText(text), { ssh: false });
  const { root, problems } = parseYamlTree(text);
  for (const { code, message, path, offset } of problems) {
    context.error(code, message, { path: ['deploy', ...path], offset });
  }
  const at: Place = { path: ['deploy'], offset: 0 };
  const draft = root && deployReader.read(root, at.path, context);
  for (const { path } of context.expressions) {
    const message = 'There is no run here whose values an expression could have.';
    context.error('expression_not_allowed', message, { ...at, path }, 'Write the value itself');
  }
  const action = draft && actionOf(draft, beside, context);
  const found = context.finish();
  if (action !== undefined && draft !== undefined && !hasErrors(found)) {
    const secrets = [...new Set(draft.secretUses.map(({ name }) => name))];
    return { kind: 'read', action, secrets };
  }
  return {
    kind: 'refused',
    problems: found.filter(({ severity }) => severity === 'error').map(told),
  };
}

/** Undefined: it is told why. */
function actionOf(
  { secretUses: _uses, ...action }: DeployDraft,
  { artifact, host }: BesideDeploy,
  context: ReadContext,
): PartDeploy | undefined {
  const refuse = (code: string, message: string, key: string, hint: string): undefined => {
    const path = key === 'artifact' || key === 'host' ? [key] : ['deploy', key];
    context.error(code, message, { path, offset: 0 }, hint);
    return undefined;
  };
  switch (action.type) {
    case 'hybrid':
      return refuse(
        ...([
          'step_needed',
          'A unit (hybrid) is deployed by a step of a pipeline.',
          'type',
        ] as const),
        'Write a step with it, or deploy each part by itself',
      );
    case 'docker_container':
      if (action.image === undefined) {
        const message = 'An image is named here: nothing is built without a step.';
        const hint = 'Write image: name:tag, or build it by a step of a pipeline';
        return refuse('step_needed', message, 'image', hint);
      }
      if (artifact !== undefined) {
        const message = 'A container is made of its image, and of no artifact.';
        return refuse('conflicting_keys', message, 'artifact', 'Remove artifact');
      }
      return action;
    case 'local_service':
      if (action.run === undefined) {
        const message = 'What is run is said here: only a step looks for it in files.';
        return refuse('missing_key', message, 'run', 'Add run: ./start, or node server.js');
      }
      break;
    case 'local_directory':
      if (action.ssh !== undefined && host !== undefined) {
        const message = 'The host is what ssh says.';
        return refuse('conflicting_keys', message, 'host', 'Remove host');
      }
      break;
  }
  if (artifact !== undefined) return action;
  const message = `The files of a ${action.type} are those of an artifact: there is no workspace here.`;
  return refuse(
    ...(['missing_key', message, 'artifact'] as const),
    'Add "artifact": {"execution_id": "…", "name": "…"}, or deploy by a step of a pipeline',
  );
}

function told({ path, code, message, suggestion }: Problem): DirectProblem {
  return { path, code, message, ...(suggestion !== undefined && { suggestion }) };
}
