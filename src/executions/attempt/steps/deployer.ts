import type { PackedFile, PackedTree, PackLimits } from '../../../common/archive/pack-tree.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { DeploymentFacts, Reason } from '../../../engine/plan/run-state.js';
import type { StepAddress, StepOutcome } from '../../../engine/runtime/step-handler.js';
import type { Gate, PartDeploy, UnitDeploy } from '../../../engine/steps/deploy/deploy-action.js';
import type { LocalImage } from '../../../integrations/container-runtime/container-runtime.js';
import type { TakenSecret } from '../../../secrets/store/taken-secret.js';
import { finallyFailed } from './step-outcomes.js';

export interface PackRequest {
  /** Globs of what is left out. */
  readonly exclude: readonly string[];
  readonly limits: PackLimits;
  readonly onFile: (file: PackedFile) => void;
  /** Of links: its path, and where it leads to. */
  readonly onLink?: (path: string, target: string) => void;
}

/** The files of a deploy step. */
export interface StepFiles {
  /**
   * Packs them, and hands them on.
   * @throws StepFilesError
   */
  packed<T>(
    request: PackRequest,
    signal: AbortSignal,
    work: (tree: PackedTree) => Promise<T>,
  ): Promise<T>;
}

/** The files cannot be had as the step asks for them. */
export class StepFilesError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'StepFilesError';
  }
}

/** Values of the secrets that `ssh` names. */
export interface DeployLogin {
  readonly key: string;
  readonly knownHosts: string;
}

/** The image of a release, with what the step says of it or, where it does not, the image. */
export interface DeployedImage {
  readonly image: LocalImage;
  /** As the step names it, or what was built. */
  readonly name: string;
  readonly port: number;
  readonly gate: Gate;
  /** What was found, and where, for people; a line each. */
  readonly detected: readonly string[];
}

/** What a step has found for a release that is a container. */
export interface DeployedContainer extends DeployedImage {
  /** With the values of the secrets that it names. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What a step has found for a release that is a program of the host. */
export interface DeployedProgram {
  /** With its arguments, or a line for `/bin/sh`. */
  readonly command: string | readonly string[];
  /** The file that says so; absent: the step does. */
  readonly commandFrom?: string;
  /** With the values of the secrets that it names. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What a step has found of what it deploys. */
export interface DeployFindings {
  readonly files: StepFiles;
  /** Of a step with `ssh`. */
  readonly login?: DeployLogin;
  /** Of a step whose release is a container; not of one that continues. */
  readonly container?: DeployedContainer;
  /** Of one that continues: has its image on this worker, where a name leads to it. */
  readonly bring?: () => Promise<DeployedImage | StepOutcome>;
  /** Of a step whose release is a program of the host. */
  readonly program?: DeployedProgram;
  /** Which secrets the run was given, also those of other steps. Absent: they are of no store. */
  readonly taken?: readonly TakenSecret[];
  /** What was found in files, and where: lines for the logs of the step and the deployment. */
  readonly detected?: readonly string[];
}

/** The deployment that a try of a step has waited with, in an earlier run. */
export interface DeploymentBefore {
  readonly id: string;
  /** Why it may not wait any longer; absent: it may. */
  readonly refusal?: Reason | undefined;
}

/** A part of a unit, with what the step has found for it. */
export interface DeployedPart {
  readonly action: PartDeploy;
  readonly needs: readonly string[];
  readonly found: DeployFindings;
}

/** What is put into service: one release, or several as a unit, in their order. */
export type DeploySubject =
  | { readonly action: PartDeploy; readonly found: DeployFindings }
  | { readonly action: UnitDeploy; readonly parts: readonly DeployedPart[] };

export interface DeployRequest {
  readonly subject: DeploySubject;
  readonly context: RunContext;
  readonly address: StepAddress;
  /** A line for the log of the step. */
  readonly tell: (line: string) => void;
  /** Takes the secrets of the run out of what others say; absent: it has none. */
  readonly mask?: (text: string) => string;
  /** Which deployment it is, as soon as it is stored. */
  readonly accepted: (facts: DeploymentFacts) => void;
  /** The limit of the step, ms; absent: it has none. */
  readonly timeoutMs?: number | undefined;
  /** This very try has waited for people before, and continues. */
  readonly before?: DeploymentBefore | undefined;
}

/** Port: puts what a step has made into service. What runs plans without a server has none. */
export abstract class Deployer {
  /**
   * Rejects for a defect of ours only. On abort: `aborted`, or how it ended before. `suspended`:
   * its environment lets it wait, and the same is asked for again with `before`.
   */
  abstract deploy(request: DeployRequest, signal: AbortSignal): Promise<StepOutcome>;
}

/** Where nothing is registered, nothing is put into service. */
export class NoDeployer extends Deployer {
  deploy(): Promise<StepOutcome> {
    const message = 'only a server deploys: it keeps the releases, and the record of them';
    return Promise.resolve(finallyFailed('deploys_need_a_server', message));
  }
}
