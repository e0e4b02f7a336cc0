import type { Scope } from '../../auth/policy/policy.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import type { NameRecord } from '../../common/values/name-record.js';
import { isSameClone, sayUrl } from '../../common/values/repository-url.js';
import { declaredVariables } from '../../engine/plan/declared-variables.js';
import type { Plan } from '../../engine/plan/plan.js';
import { secretsOf } from '../../engine/plan/secret-names.js';
import { platformSecretsOf } from '../../engine/steps/clone-secrets.js';

/** The scope of those who may bring code of their own to the secrets of a pipeline. */
const WRITE: Scope = 'pipelines:write';
const MAX_NAMED = 10;

/** What of a trigger decides which code runs. */
export interface TriggerOverrides {
  readonly repository?: string;
  readonly environment?: NameRecord<string>;
}

/**
 * Refuses a trigger that would run code of the caller's own with the secrets of the pipeline.
 * Another repository is such code, and a variable can be (`BASH_ENV`, `LD_PRELOAD`): no list of
 * names is complete, so only those are taken that the pipeline itself declares.
 * @param scopes of the caller
 * @param ownUrls asked for where they matter: what the pipeline clones anyway
 * @throws MillraceError AuthorizationError
 */
export async function refuseOwnCode(
  plan: Plan,
  { repository, environment = {} }: TriggerOverrides,
  scopes: ReadonlySet<Scope>,
  ownUrls: () => Promise<readonly string[]>,
): Promise<void> {
  if (scopes.has(WRITE)) return;
  if (secretsOf(plan).length === 0 && platformSecretsOf(plan).length === 0) return;
  const declared = declaredVariables(plan);
  const names = Object.keys(environment).filter((name) => !declared.has(name));
  if (names.length > 0) throw undeclared(names);
  if (repository === undefined) return;
  const own = await ownUrls();
  if (!own.some((url) => isSameClone(url, repository))) throw foreign(repository);
}

function undeclared(names: readonly string[]): MillraceError {
  const named = names.slice(0, MAX_NAMED);
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : '';
  return new MillraceError(
    'AuthorizationError',
    `The pipeline uses secrets and does not declare ${named.join(', ')}${more}: to set such variables needs the scope ${WRITE}.`,
    {
      details: { code: 'undeclared_variable', required_scope: WRITE, environment: named },
      suggestions: [
        'Declare the name in an `environment` of the pipeline, or make it an input and trigger with `inputs`.',
        `Or ask somebody to trigger it who has the scope ${WRITE}.`,
      ],
    },
  );
}

function foreign(repository: string): MillraceError {
  return new MillraceError(
    'AuthorizationError',
    `The pipeline uses secrets, and ${sayUrl(repository)} is not its own repository: to run another one needs the scope ${WRITE}.`,
    {
      details: {
        code: 'other_repository',
        required_scope: WRITE,
        repository: sayUrl(repository),
      },
      suggestions: [
        "Leave `repository` out, or write it as the pipeline's own.",
        `Or ask somebody to trigger it who has the scope ${WRITE}.`,
      ],
    },
  );
}
