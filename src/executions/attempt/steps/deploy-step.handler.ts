import type { PackedTree } from '../../../common/archive/pack-tree.js';
import { packTree } from '../../../common/archive/pack-tree.js';
import { openBeneath } from '../../../common/tree/open-beneath.js';
import { quoted } from '../../../common/values/redact-urls.js';
import { valueOf } from '../../../common/values/name-record.js';
import type { MaskSet } from '../../../common/redaction/mask-set.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import {
  type StepAddress,
  type StepAttempt,
  StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import {
  type ContainerDeploy,
  DEPLOY_KIND,
  type DeployAction,
  type DirectoryDeploy,
  type PartDeploy,
  type ServiceDeploy,
} from '../../../engine/steps/deploy/deploy-action.js';
import { EngineAwayError } from '../../../integrations/container-runtime/container-runtime.js';
import type { TakenSecret } from '../../../secrets/store/taken-secret.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import {
  type DeploymentBefore,
  type Deployer,
  type DeployedPart,
  type DeployFindings,
  type DeploySubject,
  type PackRequest,
  type StepFiles,
  StepFilesError,
} from './deployer.js';
import type { DeployHints } from './deploy-hints.js';
import { loginOf, variablesOf } from './deploy-values.js';
import type { DeployedImages, ImageTry } from './deployed-images.js';
import type { ApprovalDesk } from './run-approvals.js';
import { folderBelow } from './folder-below.js';
import type { FoundStart, StartCommands } from './start-commands.js';
import { finallyFailed, infrastructure } from './step-outcomes.js';
import { scratchOf } from './scratch-folder.js';
import type { StepOutput } from './step-output.js';

/** One try of the step; not new: it has waited, and found all that it deploys before that. */
interface DeployTry extends ImageTry {
  readonly isNew: boolean;
}

/** Hands a folder of the workspace to whoever puts it into service. */
export class DeployStepHandler extends StepHandler<DeployAction> {
  readonly kind = DEPLOY_KIND;

  constructor(
    private readonly deployer: Deployer,
    private readonly starts: StartCommands,
    private readonly context: RunContext,
    private readonly workspace: Workspace,
    private readonly ownership: Pick<WorkspaceOwnership, 'asServer'>,
    private readonly output: Pick<StepOutput, 'systemLine'>,
    private readonly images: Pick<DeployedImages, 'of'>,
    private readonly hints: Pick<DeployHints, 'output'>,
    private readonly masks: Pick<MaskSet, 'maskText'>,
    private readonly desk: Pick<ApprovalDesk, 'answerTo' | 'deploymentBefore'>,
    private readonly taken: readonly TakenSecret[] | undefined,
  ) {
    super();
  }

  async run(
    attempt: StepAttempt<DeployAction>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { action, address } = attempt;
    const tell = (line: string): void => this.output.systemLine(address, line);
    const before = this.before(address);
    const isNew = before === undefined;
    if (isNew && action.chosen !== undefined) tell(`it is deployed as ${action.chosen}`);
    try {
      const run = { attempt, tell, signal, progress, isNew };
      const subject = await this.subjectOf(action, run);
      if ('kind' in subject) return subject;
      return await this.deployer.deploy(
        {
          ...{ subject, address, tell, before, timeoutMs: attempt.timeoutMs },
          mask: (text) => this.masks.maskText(text),
          context: clonedContext(this.context, attempt.environment),
          accepted: (deployment) => progress.tell({ deployment }),
        },
        signal,
      );
    } catch (error) {
      if (signal.aborted && error === signal.reason) return { kind: 'aborted' };
      if (error instanceof EngineAwayError) return infrastructure(error.code, error.message);
      throw error;
    }
  }

  private before(address: StepAddress): DeploymentBefore | undefined {
    const facts = this.desk.deploymentBefore(address);
    if (facts === undefined) return undefined;
    const answer = this.desk.answerTo(address);
    return { id: facts.id, ...(answer?.kind === 'rejected' && { refusal: answer.reason }) };
  }

  private async subjectOf(
    action: DeployAction,
    run: DeployTry,
  ): Promise<DeploySubject | StepOutcome> {
    if (action.type !== 'hybrid') {
      const found = await this.found(action, run);
      return 'kind' in found ? found : { action, found };
    }
    const parts: DeployedPart[] = [];
    for (const { deploy, needs } of action.parts) {
      const found = await this.found(deploy, run);
      if ('kind' in found) return found;
      parts.push({ action: deploy, needs, found });
    }
    return { action, parts };
  }

  private async found(action: PartDeploy, run: DeployTry): Promise<DeployFindings | StepOutcome> {
    const found = await this.made(action, run);
    if ('kind' in found || !run.isNew) return found;
    for (const line of found.detected ?? []) run.tell(`found: ${line}`);
    return found;
  }

  private async made(action: PartDeploy, run: DeployTry): Promise<DeployFindings | StepOutcome> {
    switch (action.type) {
      case 'local_directory':
        return this.folderOf(action, run);
      case 'docker_container':
        return this.containerOf(action, run);
      case 'local_service':
        return this.programOf(action, run);
    }
  }

  private async folderOf(
    { ssh, source }: DirectoryDeploy,
    { attempt: { environment }, signal }: ImageTry,
  ): Promise<DeployFindings | StepOutcome> {
    const login = ssh && loginOf(ssh, environment);
    if (login?.kind === 'missing') return withheld(login.name);
    const own = login && { login };
    if (source !== undefined) return { files: this.filesIn(source), ...own };
    const { hints, workspace, ownership } = this;
    const found = await ownership.asServer(() => hints.output(workspace.directory, signal));
    signal.throwIfAborted();
    if (found.kind === 'unknown') {
      const message = `the step does not say what is deployed, and no file does: ${found.why} Write source, with . for all of the workspace`;
      return finallyFailed('source_unknown', message);
    }
    const { folder, from } = found;
    return { files: this.filesIn(folder), ...own, detected: [`source ${folder}: ${from}`] };
  }

  private async containerOf(
    action: ContainerDeploy,
    run: DeployTry,
  ): Promise<DeployFindings | StepOutcome> {
    if (!run.isNew) return this.containerAgain(action, run);
    const given = variablesOf(action, run.attempt.environment);
    if (given.kind === 'missing') return withheld(given.name);
    const found = await this.images.of(action, run);
    if ('kind' in found) return found;
    const container = { ...found, variables: given.variables };
    return { files: NO_FILES, container, ...this.ofSecrets(), detected: found.detected };
  }

  /** What was built is not built once more: that might be another one than was approved. */
  private containerAgain(action: ContainerDeploy, run: ImageTry): DeployFindings {
    if (action.image === undefined) return { files: NO_FILES };
    return { files: NO_FILES, bring: () => this.images.of(action, run) };
  }

  private async programOf(
    action: ServiceDeploy,
    { attempt: { environment }, signal }: ImageTry,
  ): Promise<DeployFindings | StepOutcome> {
    const { run, source } = action;
    const given = variablesOf(action, environment);
    if (given.kind === 'missing') return withheld(given.name);
    const { variables } = given;
    const files = this.filesIn(source);
    if (run !== undefined) {
      return { files, program: { command: run, variables }, ...this.ofSecrets() };
    }
    const start = await this.startOf(source, signal);
    signal.throwIfAborted();
    if (start.kind === 'unknown') {
      const message = `the step does not say what is run, and no file of ${source} does: ${start.why}`;
      return finallyFailed('start_command_unknown', message);
    }
    const { command, file: commandFrom, line } = start;
    const from = line === null ? commandFrom : `${commandFrom}:${line}`;
    const detected = [`run "${quoted(command, SHOWN)}": ${from}`];
    const program = { command, commandFrom, variables };
    return { files, program, ...this.ofSecrets(), detected };
  }

  private ofSecrets(): Pick<DeployFindings, 'taken'> {
    return this.taken === undefined ? {} : { taken: this.taken };
  }

  private startOf(source: string, signal: AbortSignal): Promise<FoundStart> {
    const { directory } = this.workspace;
    const folder = folderBelow(source);
    // Where it leads is looked at when the files are packed.
    if (folder === undefined)
      return Promise.resolve({ kind: 'unknown', why: 'it is outside of the workspace' });
    return this.ownership.asServer(() => this.starts.find(directory, folder, signal));
  }

  /** What a step may still change is read through no link, and by nobody but the server. */
  private filesIn(source: string): StepFiles {
    const { workspace, ownership } = this;
    return {
      packed: async <T>(
        { exclude, limits, onFile, onLink }: PackRequest,
        signal: AbortSignal,
        work: (tree: PackedTree) => Promise<T>,
      ): Promise<T> => {
        const scratch = await scratchOf(workspace);
        const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
        return ownership.asServer(async () => {
          const found = await openBeneath(workspace.directory, source);
          if (found.kind !== 'folder') throw unusable(source, found.kind);
          try {
            const options = { globs, limits, scratch, signal, onFile, onLink };
            return await work(packTree(found.folder.pathOf('.'), options));
          } finally {
            await found.folder.close();
          }
        });
      },
    };
  }
}

/** Characters of a command in the log. */
const SHOWN = 200;

/** Of what is an image. */
const NO_FILES: StepFiles = {
  packed: () => Promise.reject(new Error('a release that is an image has no files')),
};

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

function withheld(name: string): StepOutcome {
  return finallyFailed('secret_withheld', `the secret ${name} is not for such a run`);
}
