import type { Environment, StepAction } from '../../plan/plan.js';
import type { BuildAction } from '../build/build-action.js';
import type { PullPolicy } from '../container/container-settings.js';

export const DEPLOY_KIND = 'deploy';

/** What such a step sets by itself, beside what its `outputs` name. */
export const DEPLOY_OUTPUTS = ['deployment', 'release'] as const;

/** Types of what is put into service by itself, or as a part of a unit. */
export const PART_TYPES = ['local_directory', 'docker_container', 'local_service'] as const;
export type PartType = (typeof PART_TYPES)[number];

/** `hybrid`: a unit of parts. */
export const DEPLOYMENT_TYPES = [...PART_TYPES, 'hybrid'] as const;
export type DeploymentType = (typeof DEPLOYMENT_TYPES)[number];

export const MOST_PARTS = 10;

/** Releases that have served and are kept, the one that serves among them. */
export const DEFAULT_KEEP = 5;

/** Another host, reached by SSH. No text of it is a template: it says where a key goes. */
export interface DeploySsh {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  readonly user: string;
  /** Name of a secret: a private key. */
  readonly key: string;
  /** Name of a secret with lines of `known_hosts`, or the lines. */
  readonly knownHosts: { readonly secret: string } | { readonly text: string };
}

/** What every deployment says. Texts are templates, here and below, but where it says otherwise. */
interface AnyDeploy extends StepAction {
  readonly kind: typeof DEPLOY_KIND;
  readonly service: string;
  readonly environment: string;
  readonly keep: number;
  /** An execution that is older than the one that serves may deploy. */
  readonly allowOlder?: true;
  /** Why it is of its type, in words; absent: the step says its type. No template. */
  readonly chosen?: string;
}

/** Releases are folders. */
export interface DirectoryDeploy extends AnyDeploy {
  readonly type: 'local_directory';
  /**
   * Folder of the host for the releases; a relative one lies in the first of DEPLOY_FOLDERS. Of
   * another host it is whole.
   */
  readonly path: string;
  /** Absent = this host. */
  readonly ssh?: DeploySsh;
  /** Folder of the workspace; `.` = all of it. Absent = where one file says the output is. */
  readonly source?: string;
  /** Globs of what of `source` is no part of a release; no templates. */
  readonly exclude?: readonly string[];
  /** Folders that all releases have in common; no templates. */
  readonly shared?: readonly string[];
  /** Permission bits of files and folders; absent = as the step left them, but readable. */
  readonly permissions?: { readonly files?: number; readonly folders?: number };
}

/** What an instance must answer before its release serves, and for how long. No templates. */
export interface Gate {
  /** Asked by GET; absent = that it accepts connections is enough. */
  readonly path?: string;
  /** Of the request; absent = the address that is asked. */
  readonly host?: string;
  /** Status codes that are healthy, from and to. */
  readonly status: { readonly from: number; readonly to: number };
  /** Text that the body must contain, in its first 64 KiB. */
  readonly body?: string;
  /** For all of it, ms. */
  readonly timeoutMs: number;
  /** It must answer well for so long, ms. */
  readonly stableMs: number;
}

/** Kinds of checks that look at an instance itself. */
export const INSTANCE_CHECK_TYPES = ['container', 'exec'] as const;
export type InstanceCheckType = (typeof INSTANCE_CHECK_TYPES)[number];

/** What is looked at in an instance itself, beside what answers at its address. No templates. */
export interface InstanceCheck {
  /** Of all checks of a service one has it. */
  readonly name: string;
  /** `container`: what the engine says of it; `exec`: a command inside ends with 0. */
  readonly type: InstanceCheckType;
  /** Of `exec`: program and arguments, or a line for `/bin/sh`. */
  readonly command?: string | readonly string[];
  /** From the start of one to that of the next, ms. */
  readonly intervalMs: number;
  /** Below the interval, ms. */
  readonly timeoutMs: number;
}

export const MOST_CHECKS = 10;
export const DEFAULT_CHECK_INTERVAL_MS = 10_000;
export const DEFAULT_CHECK_TIMEOUT_MS = 5_000;
export const MAX_CHECK_TIMEOUT_MS = 60_000;

/** Where the outside reaches a service. No templates. */
export type Published =
  /** Absent port = one of PORT_RANGE. */
  | { readonly address: string; readonly port?: number }
  | { readonly domain: string; readonly path?: string };

/** What is done by itself, in this order, when the checks of a service say that it has failed. */
export const FAILURE_ACTIONS = ['restart', 'rollback'] as const;
export type FailureAction = (typeof FAILURE_ACTIONS)[number];

/**
 * What becomes of a service that fails. It is restarted until its restarts are used up, and goes
 * back once; then it stays failed.
 */
export interface OnFailure {
  /** Each one at most once; none: alerts only. */
  readonly actions: readonly FailureAction[];
  /** Restarts within the window, 1 to 100. */
  readonly max: number;
  /** 1 minute to 1 day, ms. */
  readonly windowMs: number;
  /** From one action to the next; doubles with each, up to 10 minutes. 1 s to 10 minutes, ms. */
  readonly backoffMs: number;
}

/** Of releases that are programs: how they are tried, and reached by way of the proxy. */
export interface RoutedDeploy {
  readonly published: Published;
  readonly variables: Environment;
  /** Names of secrets that become variables. */
  readonly secrets: readonly string[];
  readonly gate: Gate;
  /** For requests of the release before to end, ms. */
  readonly drainMs: number;
  /** Static files of the release before are served for so long behind the switch, ms. */
  readonly keepAssetsMs?: number;
  /**
   * Program and arguments, or a line for `/bin/sh`: run once by the new release, before it starts.
   * No templates. Absent = nothing is.
   */
  readonly beforeSwitch?: string | readonly string[];
  /** Behind the switch: while it is watched, what fails goes back, ms. Absent = not at all. */
  readonly watchMs?: number;
  /** Absent = nothing is done by itself. */
  readonly onFailure?: OnFailure;
  /** Absent = a program 5 times within a minute, a container as often as it ends. */
  readonly restart?: RestartLimit;
  /** While it serves. Absent = none. */
  readonly checks?: readonly InstanceCheck[];
}

/** Releases are containers of an image. */
export interface ContainerDeploy extends AnyDeploy, RoutedDeploy {
  readonly type: 'docker_container';
  /** That a step of the execution has built, or one to be pulled; absent: it is built first. */
  readonly image?: string;
  /** What is built; absent: what a Dockerfile of `source` says. */
  readonly build?: BuildAction;
  /** Folder of the workspace with a Dockerfile, where neither image nor build is said. */
  readonly source?: string;
  readonly pull?: PullPolicy;
  /** Absent = what the image runs by itself. No templates. */
  readonly command?: readonly string[];
  /** At which the program listens in the container. Absent = the one that the image exposes. */
  readonly port?: number;
  /** The step says no gate: where the Dockerfile says what to ask, that is asked. */
  readonly findsGate?: true;
  readonly limits: { readonly cpus?: number; readonly memory?: number; readonly pids?: number };
}

/** How often a program that ends is started again. */
export interface RestartLimit {
  /** Starts within the window; after the next end nothing is started. 0 to 1000. */
  readonly max: number;
  /** 1 s to 1 day, ms. */
  readonly windowMs: number;
  /**
   * The first pause before a start; it doubles with each. 100 ms to 10 minutes, ms. Absent = what
   * runs it has pauses of its own.
   */
  readonly backoffMs?: number;
}

/** By it a program is told its port, where the step names no other one. */
export const DEFAULT_PORT_VARIABLE = 'PORT';

/** Releases are folders of programs, which run on the host. */
export interface ServiceDeploy extends AnyDeploy, RoutedDeploy {
  readonly type: 'local_service';
  /**
   * Program and arguments, or a line for `/bin/sh`. No templates. Absent = what exactly one file of
   * the source says.
   */
  readonly run?: string | readonly string[];
  /** Folder of the workspace; `.` = all of it. */
  readonly source: string;
  /** Globs of what of `source` is no part of a release; no templates. */
  readonly exclude?: readonly string[];
  /** Name of the variable that tells the program its port. No template. */
  readonly portVariable: string;
  /** Bytes of data of each process. */
  readonly memory?: number;
}

/** What can be a part of a unit. */
export type PartDeploy = DirectoryDeploy | ContainerDeploy | ServiceDeploy;

export interface UnitPart {
  /** Its `environment` and `keep` are those of the unit. */
  readonly deploy: PartDeploy;
  /** Services of parts that stand before it, as they are written: no templates are filled in. */
  readonly needs: readonly string[];
}

/** Several releases that are put into service together, or not at all. */
export interface UnitDeploy extends AnyDeploy {
  readonly type: 'hybrid';
  /** 1 to `MOST_PARTS`; each one behind those that it needs. */
  readonly parts: readonly UnitPart[];
}

/** In plans: puts what was built into service. */
export type DeployAction = PartDeploy | UnitDeploy;
