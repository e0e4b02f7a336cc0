import type { PackedTree } from '../../../common/archive/pack-tree.js';
import { packTree } from '../../../common/archive/pack-tree.js';
import { openBeneath } from '../../../common/tree/open-beneath.js';
import { valueOf } from '../../../common/values/name-record.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import {
  DEPLOY_KIND,
  type DeployAction,
  type DeploySsh,
} from '../../../engine/steps/deploy/deploy-action.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import {
  type Deployer,
  type DeployLogin,
  type PackRequest,
  type StepFiles,
  StepFilesError,
} from './deployer.js';
import { finallyFailed } from './step-outcomes.js';
import { scratchOf } from './scratch-folder.js';
import type { StepOutput } from './step-output.js';

/** Hands a folder of the workspace to whoever puts it into service. */
export class DeployStepHandler extends StepHandler<DeployAction> {
  readonly kind = DEPLOY_KIND;

  constructor(
    private readonly deployer: Deployer,
    private readonly context: RunContext,
    private readonly workspace: Workspace,
    private readonly ownership: Pick<WorkspaceOwnership, 'asServer'>,
    private readonly output: Pick<StepOutput, 'systemLine'>,
  ) {
    super();
  }

  run(
    { action, address, environment }: StepAttempt<DeployAction>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { ssh } = action;
    const login = ssh && loginOf(ssh, environment);
    if (login?.kind === 'missing') return Promise.resolve(withheld(login.name));
    return this.deployer.deploy(
      {
        ...{ action, address, context: clonedContext(this.context, environment) },
        files: this.filesIn(action.source),
        ...(login && { login }),
        tell: (line) => this.output.systemLine(address, line),
        accepted: (deployment) => progress.tell({ deployment }),
      },
      signal,
    );
  }

  /** What a step may still change is read through no link, and by nobody but the server. */
  private filesIn(source: string): StepFiles {
    const { workspace, ownership } = this;
    return {
      packed: async <T>(
        { exclude, limits, onFile }: PackRequest,
        signal: AbortSignal,
        work: (tree: PackedTree) => Promise<T>,
      ): Promise<T> => {
        const scratch = await scratchOf(workspace);
        const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
        return ownership.asServer(async () => {
          const found = await openBeneath(workspace.directory, source);
          if (found.kind !== 'folder') throw unusable(source, found.kind);
          try {
            const options = { globs, limits, scratch, signal, onFile };
            return await work(packTree(found.folder.pathOf('.'), options));
          } finally {
            await found.folder.close();
          }
        });
      },
    };
  }
}

/** With the branch and the commit that were cloned, which the step is told too. */
function clonedContext(
  context: RunContext,
  environment: Readonly<Record<string, string>>,
): RunContext {
  const commit = valueOf(environment, 'CI_COMMIT');
  const branch = valueOf(environment, 'CI_BRANCH');
  const cloned = {
    ...(commit !== undefined && { commit }),
    ...(branch !== undefined && { branch }),
  };
  return { ...context, trigger: { ...context.trigger, ...cloned } };
}

function unusable(source: string, kind: 'outside' | 'missing'): StepFilesError {
  return kind === 'outside'
    ? new StepFilesError('source_outside', `the source ${source} leads out of the workspace`)
    : new StepFilesError('source_missing', `the source ${source} is not there, or is no folder`);
}

type FoundLogin = (DeployLogin & { readonly kind: 'found' }) | { kind: 'missing'; name: string };

function loginOf(
  { key: keyName, knownHosts: known }: DeploySsh,
  environment: Readonly<Record<string, string>>,
): FoundLogin {
  const key = valueOf(environment, keyName);
  if (key === undefined) return { kind: 'missing', name: keyName };
  if ('text' in known) return { kind: 'found', key, knownHosts: known.text };
  const knownHosts = valueOf(environment, known.secret);
  if (knownHosts === undefined) return { kind: 'missing', name: known.secret };
  return { kind: 'found', key, knownHosts };
}

function withheld(name: string): StepOutcome {
  return finallyFailed('secret_withheld', `the secret ${name} is not for such a run`);
}
