import { join } from 'node:path/posix';
import type {
  StepAttempt,
  StepHandler,
  StepOutcome,
  StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { BUILD_KIND, type BuildAction } from '../../../engine/steps/build/build-action.js';
import type { ContainerDeploy, Gate } from '../../../engine/steps/deploy/deploy-action.js';
import type { LocalImage } from '../../../integrations/container-runtime/container-runtime.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { DeployHints, FoundDockerfile } from './deploy-hints.js';
import type { DeployedImage } from './deployer.js';
import { folderBelow } from './folder-below.js';
import { imageRefused } from './image-refused.js';
import type { RunImages } from './run-images.js';
import { finallyFailed } from './step-outcomes.js';

/** What images of deployments are found and made with, for one run. */
export interface DeployedImageTools {
  readonly images: Pick<RunImages, 'find'>;
  readonly builds: Pick<StepHandler<BuildAction>, 'run'>;
  readonly hints: Pick<DeployHints, 'dockerfile'>;
  readonly workspace: Pick<Workspace, 'directory'>;
  readonly ownership: Pick<WorkspaceOwnership, 'asServer'>;
  /** Of the execution: what it builds has it as its tag. */
  readonly executionId: string;
}

/** One try of a step. */
export interface ImageTry {
  readonly attempt: StepAttempt;
  /** A line for the log of the step. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
  readonly progress: Pick<StepProgress, 'tell'>;
}

type Dockerfile = Extract<FoundDockerfile, { kind: 'found' }>;
interface FoundBuild {
  readonly build: BuildAction;
  /** What detection has read of it; undefined: it is another one. */
  readonly dockerfile: Dockerfile | undefined;
}

/** HEALTHCHECKs take redirects for healthy. */
const HEALTHY = { from: 200, to: 399 };

/** The image of a deployment, which is built where the step names none, and what it says. */
export class DeployedImages {
  constructor(private readonly tools: DeployedImageTools) {}

  /** @throws EngineAwayError, or the reason of the signal */
  async of(action: ContainerDeploy, run: ImageTry): Promise<DeployedImage | StepOutcome> {
    const { image: named } = action;
    if (named !== undefined) {
      const image = await this.find(named, action, run);
      return 'kind' in image ? image : settledImage(action, named, image, undefined);
    }
    const found = await this.buildOf(action, run.signal);
    if ('kind' in found) return found;
    const { build, dockerfile } = found;
    const { context, dockerfile: file = 'Dockerfile' } = build;
    run.tell(`the image is built of ${join(context, file)}`);
    const { progress, attempt, signal } = run;
    const outcome = await this.tools.builds.run({ ...attempt, action: build }, signal, {
      begin: () => undefined,
      tell: (facts) => progress.tell(facts),
    });
    if (outcome.kind !== 'success') return outcome;
    const name = build.tags?.[0] ?? '';
    const image = await this.find(name, {}, run);
    return 'kind' in image ? image : settledImage(action, name, image, dockerfile);
  }

  private async find(
    name: string,
    { pull }: Pick<ContainerDeploy, 'pull'>,
    { tell, signal }: ImageTry,
  ): Promise<LocalImage | StepOutcome> {
    const found = await this.tools.images.find({ image: name, pull }, tell, signal);
    return found.kind === 'refused' ? imageRefused(found.refusal, name) : found.image;
  }

  private async buildOf(
    { service, build, source = '.' }: ContainerDeploy,
    signal: AbortSignal,
  ): Promise<FoundBuild | StepOutcome> {
    const context = build?.context ?? source;
    const found = await this.dockerfileOf(context, signal);
    signal.throwIfAborted();
    const { tags = [`deployed/${service}:${this.tools.executionId}`] } = build ?? {};
    if (build !== undefined) {
      const { dockerfile = 'Dockerfile' } = build;
      const isSame = found.kind === 'found' && found.name === dockerfile.replace(/^\.\//, '');
      return { build: { ...build, tags }, dockerfile: isSame ? found : undefined };
    }
    if (found.kind === 'unknown') {
      const message = `the step names no image, and no Dockerfile in ${context} says how to build one: ${found.why}`;
      return finallyFailed('image_unknown', message);
    }
    const dockerfile = found.name;
    return { build: { kind: BUILD_KIND, context, dockerfile, tags }, dockerfile: found };
  }

  private dockerfileOf(context: string, signal: AbortSignal): Promise<FoundDockerfile> {
    const { hints, workspace, ownership } = this.tools;
    const folder = folderBelow(context);
    if (folder === undefined) {
      return Promise.resolve({ kind: 'unknown', why: 'it is outside of the workspace' });
    }
    return ownership.asServer(() => hints.dockerfile(workspace.directory, folder, signal));
  }
}

/** With the port and the gate, which who deploys it says, or else surely the image. */
export function settledImage(
  action: Pick<ContainerDeploy, 'port' | 'gate' | 'findsGate'>,
  name: string,
  image: LocalImage,
  dockerfile: Dockerfile | undefined,
): DeployedImage | StepOutcome {
  const port = action.port ?? image.ports[0];
  if (port === undefined || (action.port === undefined && image.ports.length > 1)) {
    return portUnknown(name, image.ports);
  }
  const said = dockerfile?.port;
  const isSaid = said?.value === String(port);
  const detected: string[] = [];
  if (action.port === undefined) {
    detected.push(`port ${port}: ${isSaid ? said.from : `${name} exposes it, and no other`}`);
  }
  const gate = gateOf(action, isSaid ? dockerfile : undefined);
  if (gate !== action.gate) {
    detected.push(`gate ${gate.path ?? ''}: ${dockerfile?.healthPath?.from ?? ''}`);
  }
  return { image, name, port, gate, detected };
}

/** A health path is of the port that its file exposes, and of no other. */
function gateOf(
  { gate, findsGate }: Pick<ContainerDeploy, 'gate' | 'findsGate'>,
  dockerfile: Dockerfile | undefined,
): Gate {
  const path = dockerfile?.healthPath?.value;
  return findsGate === true && path !== undefined ? { ...gate, path, status: HEALTHY } : gate;
}

function portUnknown(name: string, ports: readonly number[]): StepOutcome {
  const why =
    ports.length === 0
      ? `${name} exposes none (EXPOSE)`
      : `${name} exposes several: ${ports.join(', ')}`;
  const message = `nothing says at which port its program listens, and ${why}: write port`;
  return finallyFailed('port_unknown', message);
}
