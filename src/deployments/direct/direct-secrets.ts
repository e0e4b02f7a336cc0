import {
  conflict,
  type MillraceError,
  validationError,
} from '../../common/errors/millrace.error.js';
import { type NameRecord, nameRecord } from '../../common/values/name-record.js';
import type { PartDeploy } from '../../engine/steps/deploy/deploy-action.js';
import { type DeployFindings, type StepFiles } from '../../executions/attempt/steps/deployer.js';
import {
  type FoundLogin,
  type FoundVariables,
  loginOf,
  variablesOf,
} from '../../executions/attempt/steps/deploy-values.js';
import type { LocalImage } from '../../integrations/container-runtime/container-runtime.js';
import type { SecretRefusal, SecretsService } from '../../secrets/store/secrets.service.js';
import type { SecretRun } from '../../secrets/store/secret-rules.js';

/** A person asks; there is no branch that could be protected. */
const RUN: SecretRun = { event: 'manual', unprotected: 'a deployment by the API is of no branch' };

/** Nobody packs anything here: a worker does. */
const NO_FILES: StepFiles = {
  packed: () => Promise.reject(new Error('the API has no files of a release')),
};

/** Its worker finds it. */
const NOT_FOUND: LocalImage = {
  ...{ id: '', digest: '', user: '', environment: nameRecord([]), hasProgram: true, ports: [] },
  platform: '',
};

/** What is known of a direct deployment before a worker has it: its variables and log-ins. */
export class DirectSecrets {
  constructor(private readonly secrets: Pick<SecretsService, 'resolveGlobal'>) {}

  /**
   * With the values of global secrets, as of nothing else there is an owner.
   *
   * @param names of all secrets that the action uses
   * @throws ValidationError: there is no such one, or not for this; ConflictError: it is not
   *   readable
   */
  async found(action: PartDeploy, names: readonly string[]): Promise<DeployFindings> {
    const resolved = await this.secrets.resolveGlobal(names, RUN);
    if (resolved.kind !== 'values') throw refusedBy(resolved);
    const { values, taken } = resolved;
    switch (action.type) {
      case 'local_directory': {
        if (action.ssh === undefined) return { files: NO_FILES };
        const { key, knownHosts } = given(loginOf(action.ssh, values));
        return { files: NO_FILES, login: { key, knownHosts } };
      }
      case 'local_service': {
        const { run: command = [] } = action;
        const program = { command, variables: variablesIn(action, values) };
        return { files: NO_FILES, program, taken };
      }
      case 'docker_container': {
        const { image: name = '', port = 0, gate } = action;
        const variables = variablesIn(action, values);
        const container = { image: NOT_FOUND, name, port, gate, variables, detected: [] };
        return { files: NO_FILES, container, taken };
      }
    }
  }
}

function variablesIn(
  action: Parameters<typeof variablesOf>[0],
  values: NameRecord<string>,
): NameRecord<string> {
  return given(variablesOf(action, values)).variables;
}

/** All names were resolved, or none. */
function given<T extends FoundLogin | FoundVariables>(found: T): Extract<T, { kind: 'found' }> {
  if (found.kind === 'found') return found as Extract<T, { kind: 'found' }>;
  throw new Error('a secret that was resolved is missing');
}

/** Never with anything of a value. */
function refusedBy(refusal: SecretRefusal): MillraceError {
  switch (refusal.kind) {
    case 'missing':
      return secretsMissing(refusal.names);
    case 'withheld': {
      const names = [...new Set(refusal.secrets.map(({ name }) => name))];
      return wrongSecrets(
        ...([
          'secret_withheld',
          `Not given to a deployment by the API: ${names.join(', ')}.`,
        ] as const),
        'Its rules (events, protected) keep it for other runs: deploy by a step of a pipeline.',
      );
    }
    case 'unreadable':
      return conflict(`The secret ${refusal.name} cannot be read.`, {
        suggestions: ['Set it again, or bring back the key by which it was sealed.'],
      });
  }
}

/** 400 */
export function secretsMissing(names: readonly string[]): MillraceError {
  return wrongSecrets(
    ...(['secret_missing', `There is no global secret ${names.join(', ')}.`] as const),
    'Only global secrets are given to a deployment by the API: ./millrace secrets set NAME. Those of a pipeline or repository are for its steps.',
  );
}

function wrongSecrets(code: string, message: string, suggestion: string): MillraceError {
  return validationError(message, {
    details: [{ path: 'deploy.secrets', code, message }],
    suggestions: [suggestion],
  });
}
