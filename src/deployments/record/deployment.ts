import { hostPort } from '../../common/net/host-port.js';
import type { ObjectKey } from '../../integrations/object-store/object-key.js';
import type { PullPolicy } from '../../engine/steps/container/container-settings.js';
import type {
  ContainerDeploy,
  DeploymentType,
  Gate,
  OnFailure,
  InstanceCheck,
  Published,
  RestartLimit,
} from '../../engine/steps/deploy/deploy-action.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { TakenSecret } from '../../secrets/store/taken-secret.js';
import type { Approval, DeploymentCause } from '../../environments/approval.js';

/**
 * `rollback`: a release that is kept serves again. `promote`: the release of another environment is
 * copied. `remove`: nothing of the service serves any more, and all that it has is removed.
 * `restart`: another instance of the release that serves takes the place of its last one. `stop`:
 * that release stays, and nothing of it runs; `start`: it serves again.
 */
export const DEPLOYMENT_KINDS = [
  ...(['deploy', 'rollback', 'promote', 'remove', 'restart', 'stop', 'start'] as const),
] as const;
export type DeploymentKind = (typeof DEPLOYMENT_KINDS)[number];

export const DEPLOYMENT_STATUSES = [
  'pending',
  'waiting',
  'running',
  'success',
  'failed',
  'cancelled',
] as const;
/** `waiting` is always with a reason; the last three are final. */
export type DeploymentStatus = (typeof DEPLOYMENT_STATUSES)[number];
export const UNFINISHED: readonly DeploymentStatus[] = ['pending', 'waiting', 'running'];

export const DEPLOYMENT_PHASES = [
  'plan',
  'prepare',
  'before_switch',
  'start',
  'gate',
  'switch',
  'clean_up',
] as const;
/**
 * What a deployment is at; stored before it begins. Before `switch` nothing that serves has been
 * touched. `before_switch`, `start` and `gate` are of releases that are programs: what its step
 * says is run once; an instance is started beside the one that serves, and must answer. In `switch`
 * only what really runs says on which side of it the service is. From `clean_up` on the release
 * serves, and nothing takes that back but another deployment.
 */
export type DeploymentPhase = (typeof DEPLOYMENT_PHASES)[number];
/** In them nobody can cancel it any more. */
export const SWITCHED_PHASES: readonly DeploymentPhase[] = ['switch', 'clean_up'];

/** Another host, reached by SSH. */
export interface SshPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Of the `SshIdentity` by which it is entered: no settings hold a key. */
  readonly identity: string;
}

/** What a deployment acts on: all that is needed to do it, and to do it again. */
export type TargetSettings = DirectorySettings | RoutedSettings;

/** Of releases that are programs: the reverse proxy leads to them. */
export type RoutedSettings = ContainerSettings | ServiceSettings;

export interface DirectorySettings {
  readonly type: 'local_directory';
  /** Whole. */
  readonly path: string;
  readonly keep: number;
  readonly exclude: readonly string[];
  readonly shared: readonly string[];
  readonly permissions: { readonly files?: number; readonly folders?: number };
  /** Absent: a folder of a worker's host. */
  readonly ssh?: SshPlace;
}

export interface CommonRoutedSettings {
  /** `environment/service`. */
  readonly service_id: string;
  readonly keep: number;
  readonly published: Published;
  /** Of the sealed text with its variables. */
  readonly variables: string;
  /** Names of those that nobody may read; absent: all of them. */
  readonly secrets?: readonly string[];
  /** Which values of them `variables` has. Absent: an older release, of which that is not known. */
  readonly taken?: readonly TakenSecret[];
  readonly gate: Gate;
  /** ms */
  readonly drain: number;
  /** Static files of the release before are served for so long behind the switch, ms. */
  readonly keep_assets?: number;
  /** Run once, before the release starts: program and arguments, or a line for `/bin/sh`. */
  readonly before_switch?: string | readonly string[];
  /** For so long behind its switch a release that fails goes back to the one before, ms. */
  readonly watch?: number;
  /** What is done when the checks of the service say that it has failed; absent: nothing. */
  readonly on_failure?: OnFailure;
  /** How often an instance that ends is started again; absent: as what runs it does. */
  readonly restart?: RestartLimit;
  /** Of the instance itself, while it serves. */
  readonly checks?: readonly InstanceCheck[];
}

/** With the variables of others, and the names of those that nobody may read. */
export function withVariablesOf<S extends RoutedSettings>(
  own: S,
  { variables, secrets, taken }: Pick<RoutedSettings, 'variables' | 'secrets' | 'taken'>,
): S {
  const settings = { ...own, variables };
  // Absent says something: that all of them are secrets, or that nobody knows which ones.
  Reflect.deleteProperty(settings, 'secrets');
  Reflect.deleteProperty(settings, 'taken');
  return { ...settings, ...(secrets && { secrets }), ...(taken && { taken }) };
}

export interface ContainerSettings extends CommonRoutedSettings {
  readonly type: 'docker_container';
  /** As the step named it. */
  readonly image: string;
  /** The engine's own id of it; of a direct deployment '' until its worker has found it. */
  readonly image_id: string;
  /** Absent = what the image runs by itself. */
  readonly command?: readonly string[];
  /** At which the program listens in the container; 0 as long as the image is not found. */
  readonly port: number;
  readonly limits: ContainerDeploy['limits'];
}

export interface ServiceSettings extends CommonRoutedSettings {
  readonly type: 'local_service';
  /** Globs of what of its source is no part of it. */
  readonly exclude: readonly string[];
  /** Program and arguments, or a line for `/bin/sh`. */
  readonly command: string | readonly string[];
  /** The file that says so; absent: the step did. */
  readonly command_from?: string;
  /** Name of the variable that tells the program its port. */
  readonly port_variable: string;
  /** Bytes of data of each process; absent: no limit. */
  readonly memory?: number;
}

/** A part of a unit, as it is deployed. */
export interface UnitPartSettings {
  /** Name of its service; the environment is that of the unit. */
  readonly service: string;
  /** Names of those that stand before it. */
  readonly needs: readonly string[];
  readonly settings: TargetSettings;
}

/** Several services as one: it acts on nothing but its parts. */
export interface UnitSettings {
  readonly type: 'hybrid';
  readonly keep: number;
  /** Each one behind those that it needs. */
  readonly parts: readonly UnitPartSettings[];
}

export type DeploySettings = TargetSettings | UnitSettings;

/** Undefined: they act on a worker's own host. */
export function sshOf(settings: DeploySettings): SshPlace | undefined {
  return settings.type === 'local_directory' ? settings.ssh : undefined;
}

/** Ids of the sealed texts that settings name. */
export function sealedTextsOf(settings: DeploySettings): readonly string[] {
  if (settings.type === 'hybrid') {
    return settings.parts.flatMap((part) => sealedTextsOf(part.settings));
  }
  const id = settings.type === 'local_directory' ? settings.ssh?.identity : settings.variables;
  return id === undefined ? [] : [id];
}

/** Begins the hosts that are reached by SSH: whichever worker does it, they are the same. */
export const SSH_HOST = 'ssh://';

/** On what settings act: the host of the worker that has them, or the one that they name. */
export function hostOf(settings: DeploySettings, own: string): string {
  const ssh = sshOf(settings);
  if (ssh === undefined) return own;
  const { user, host, port } = ssh;
  return `${SSH_HOST}${user}@${hostPort(host, port)}`;
}

/** A folder of a host, as nobody else may hold it. */
export function placeOn(host: string, path: string): string {
  return host.startsWith(SSH_HOST) ? `${host}${path}` : `${host}:${path}`;
}

/** What asked for a deployment. */
export interface DeploymentOrigin {
  readonly execution_id: string | null;
  readonly pipeline_id: string | null;
  readonly pipeline_name: string | null;
  readonly stage: string | null;
  readonly step: string | null;
  readonly commit: string | null;
  readonly branch: string | null;
  readonly triggered_by: string;
}

export interface DeploymentPhaseTimes {
  readonly name: DeploymentPhase;
  readonly started_at: Date;
  readonly finished_at: Date | null;
  /** Of `gate`: what it saw, or what the instance said that did not pass. */
  readonly said?: readonly string[];
}

/** Lines of its log that a deployment keeps. */
export const LOGS_KEPT = 100;

/** What the environment of a deployment asks of people; see `src/environments/`. */
export interface GatedDeployment {
  /** Absent: nobody has to be asked, as of a rollback. */
  readonly cause?: DeploymentCause;
  /** In the order in which they were given. */
  readonly approvals?: readonly Approval[];
  /** `closed`: it waits for people or for a time, and stands in no line. Absent: it never was. */
  readonly gate?: 'closed' | 'open';
  /** Of a promotion, or of a rollback with today's environment: the release that is copied. */
  readonly source_release_id?: string;
  /**
   * Of a step that has given its worker back while it waits: the execution attempt that did so. No
   * worker is at it, and the execution continues with it. Null, or absent: it is in hands.
   */
  readonly suspended_in?: number | null;
  /** Of such a step: so long it waits for people; then it fails. */
  readonly expires_at?: Date;
  /** Of such a step: what was put before people. What is deployed is the same. */
  readonly approved_files?: readonly ApprovedFiles[];
  /** Of such a step: the host that has its images, where they may have been built. */
  readonly images_on?: string;
}

/** The files of a deployment, or of a part of a unit, as people were asked about them. */
export interface ApprovedFiles {
  /** Name of the service. */
  readonly service: string;
  /** `sha256:…` over names, permissions and contents of what is taken of the source. */
  readonly digest: string;
}

/** Of a deployment that no step does: what its worker is to find, beside its settings. */
export interface DirectRequest {
  /** Of a container: how its image is found. */
  readonly image?: { readonly pull?: PullPolicy; readonly port?: number };
  /** Of what has files: whose they are. */
  readonly artifact?: DirectArtifact;
  /** Whether the execution that left the artifact may be older than that of what serves. */
  readonly may_be_older: boolean;
}

/** Files that a step has left: those of one archive. */
export interface DirectArtifact {
  readonly execution_id: string;
  /** The execution whose place in time they have: of a re-run the original. */
  readonly dated_by: string;
  /** For people: `build/pack, attempt 1`. */
  readonly shown: string;
  readonly object_key: ObjectKey;
  /** Folder of it; `.` = all of it. */
  readonly source: string;
}

/** Of a deployment that is a part of another one. */
export interface UnitMembership {
  /** The service of the unit: `environment/service`. */
  readonly service_id: string;
  /** The deployment of the unit. */
  readonly deployment_id: string;
  /**
   * It lets what served before serve again, since the unit has failed. Absent: it is deployed or
   * rolled back with the others.
   */
  readonly takes_back?: true;
}

/** Of a unit: a part, and which deployment is of it. */
export interface DeployedPartRef {
  readonly service_id: string;
  readonly deployment_id: string;
}

/** Of a release of a unit: a part, and which release of it serves with the others. */
export interface ReleasedPartRef {
  readonly service_id: string;
  readonly release_id: string;
}

export interface Deployment<S extends DeploySettings = DeploySettings>
  extends DeploymentOrigin, GatedDeployment {
  readonly _id: string;
  /** What asked for it, once: a second one of the same key is the first one. */
  readonly request_key: string;
  readonly kind: DeploymentKind;
  /** `environment/service`. */
  readonly service_id: string;
  readonly environment: string;
  readonly service: string;
  /** Place in the line of its service, from 1. */
  readonly turn: number;
  readonly type: DeploymentType;
  readonly settings: S;
  /** Absent: a step does it, or it needs nothing but what was deployed before. */
  readonly direct?: DirectRequest;
  /** Absent: it is by itself. */
  readonly unit?: UnitMembership;
  /** Of a unit, in its order: stored before the first one of them. Absent: none has begun. */
  readonly parts?: readonly DeployedPartRef[];
  /** Name of the host that it acts on; of one that is reached by SSH `ssh://user@host:port`. */
  readonly host: string;
  readonly status: DeploymentStatus;
  readonly phase: DeploymentPhase | null;
  readonly phases: readonly DeploymentPhaseTimes[];
  readonly reason: Reason | null;
  readonly warnings: readonly Reason[];
  /** The worker that does it; null: the next one of its host. */
  readonly worker_id: string | null;
  /** Rises with each worker that takes it over: writes of an earlier one are refused. */
  readonly fence: number;
  /** Its gate is passed: its route may be as its settings say. Absent: not yet. */
  readonly is_armed?: boolean;
  /** What it makes, or brings back; of a stop what it ends. */
  readonly release_id: string | null;
  /** Of a stop: what whoever asked for it has said of it. Absent: nothing. */
  readonly message?: string;
  /** Of a restart or a start: the instance that it starts. Absent: it has not begun that. */
  readonly instance?: number;
  /**
   * Nobody has asked for it but the system, since this release failed: where another one serves by
   * its turn, it is done no more. Absent: somebody has asked for it.
   */
  readonly failed_release_id?: string;
  /**
   * Of what the watch behind a switch has asked for: the release that failed, of a unit that of its
   * part. Where it serves still at the end, its service is known to have failed.
   */
  readonly watched?: { readonly service_id: string; readonly release_id: string };
  /** What served before; null: nothing did. */
  readonly previous_release_id: string | null;
  readonly cancel_requested_by: string | null;
  readonly logs: readonly string[];
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

export const RELEASE_STATUSES = [
  'preparing',
  'prepared',
  'serving',
  'draining',
  'kept',
  'failed',
  'removed',
] as const;
/**
 * `preparing` until all of it is there; `draining`: another one serves, and its instance has a
 * while for what it has begun; `kept` when another one serves, and nothing of it runs; `failed`: it
 * never served, and nothing of it is left; `removed`: it has served, and was cleaned up.
 */
export type ReleaseStatus = (typeof RELEASE_STATUSES)[number];

/** Nothing of such a release is left, and it never serves again. */
export const GONE: readonly ReleaseStatus[] = ['failed', 'removed'];

/** Whether a release has served, and can serve again, while another one does. */
export function isKept({ status }: Pick<Release, 'status'>): boolean {
  return status === 'kept' || status === 'draining';
}

/** One version of a service, with all that is needed to run it again. */
export interface Release<S extends DeploySettings = DeploySettings> {
  readonly _id: string;
  readonly service_id: string;
  readonly environment: string;
  readonly service: string;
  /** From 1, for each service; never used twice. */
  readonly number: number;
  readonly type: DeploymentType;
  readonly settings: S;
  /** Of a unit, in its order. */
  readonly parts?: readonly ReleasedPartRef[];
  readonly host: string;
  readonly status: ReleaseStatus;
  /** That made it. */
  readonly deployment_id: string;
  readonly execution_id: string | null;
  /** The execution whose place in time it has: of a re-run the original. */
  readonly dated_by: string | null;
  readonly pipeline_id: string | null;
  readonly commit: string | null;
  /** `sha256:…` over names, modes and contents; null: not all of it is there yet. */
  readonly digest: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly created_at: Date;
  /** When it served first; null: never. */
  readonly served_at: Date | null;
  /** While it serves: until then it goes back to the one before when it fails. */
  readonly watch_until?: Date | null;
  /** While it is `draining`: when its instance is stopped. */
  readonly drain_until?: Date | null;
  /** When it has begun to drain; absent: it never has, or before this was stored. */
  readonly drains_since?: Date;
  /** Which of its instances serves or served last: how often it was restarted. Absent: 0. */
  readonly instance?: number;
  /** Instances before that one which somebody has replaced, and which have a while still. */
  readonly draining_instances?: readonly DrainingInstance[];
}

/** Of a release that was restarted: an instance that has a while for what it has begun. */
export interface DrainingInstance {
  readonly instance: number;
  /** When it is ended. */
  readonly until: Date;
}

/** Whether an instance before the one that serves has time still. @param now ms since 1970 */
export function hasDrain(
  { draining_instances: drains = [] }: Pick<Release, 'draining_instances'>,
  instance: number,
  now: number,
): boolean {
  return drains.some((one) => one.instance === instance && one.until.getTime() > now);
}

/** That somebody has stopped a service. */
export interface PlannedStop {
  /** The deployment that did so. */
  readonly deployment_id: string;
  /** Who asked for it. */
  readonly by: string;
  readonly at: Date;
  /** What they said of it; null: nothing. */
  readonly message: string | null;
}

/** What a user meets by name: the releases of one name in one environment. */
export interface Service {
  /** `environment/name`. */
  readonly _id: string;
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly service_type: DeploymentType;
  /** The service of the unit that it is a part of; null, or absent: it is by itself. */
  readonly unit?: string | null;
  readonly host: string;
  /** What nobody else may hold: `host:path`, or `ssh://user@host:port/path`. */
  readonly place: string;
  /**
   * `starting`: nothing of it has served yet; `stopped`: nothing serves any more, or somebody has
   * stopped it; `removed`: it was removed, and only its numbers are kept, so that none is given
   * twice.
   */
  readonly status: 'starting' | 'running' | 'stopped' | 'removed';
  /**
   * Somebody has stopped it: `release_id` is what serves when it is started. Null, absent: nobody
   * has.
   */
  readonly stopped?: PlannedStop | null;
  readonly release_id: string | null;
  /** That made it serve. */
  readonly deployment_id: string | null;
  /**
   * Of the program that serves, on its host, as it was seen a moment ago; null, or absent: none is
   * known, as of a folder.
   */
  readonly process_id?: number | null;
  /** Known against the release that serves, whatever its checks say; null, absent: nothing. */
  readonly problem?: Reason | null;
  /** The deployment that holds it; null: none. */
  readonly active: string | null;
  readonly turns: number;
  readonly releases: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** What every deployment begins with. */
export function notBegun(
  at: Date,
): Pick<
  Deployment,
  | 'status'
  | 'phase'
  | 'phases'
  | 'reason'
  | 'warnings'
  | 'logs'
  | 'previous_release_id'
  | 'cancel_requested_by'
  | 'created_at'
  | 'started_at'
  | 'finished_at'
> {
  return {
    ...{ status: 'pending', phase: null, phases: [], reason: null, warnings: [], logs: [] },
    ...{ previous_release_id: null, cancel_requested_by: null },
    ...{ created_at: at, started_at: null, finished_at: null },
  };
}

export function serviceIdOf(environment: string, service: string): string {
  return `${environment}/${service}`;
}

type Placed<T> = T & { readonly settings: TargetSettings };

function isPlaced<T extends Deployment | Release>(record: T): record is Placed<T> {
  return record.type !== 'hybrid';
}

/** What lies at a target: anything but a unit. @throws where it is one: a defect of ours */
export function placed<T extends Deployment | Release>(record: T): Placed<T> {
  if (isPlaced(record)) return record;
  throw new Error(`${record._id} is of a unit, and has no target`);
}

/** What stands in the place of a folder or a port: nobody else can hold it. */
export function unitPlace(host: string, serviceId: string): string {
  return placeOn(host, `unit ${serviceId}`);
}

/** Whether any worker of its host can begin with it: all that it needs is in the record. */
export function isForAnyWorker({ kind, direct }: Pick<Deployment, 'kind' | 'direct'>): boolean {
  return kind === 'promote' || direct !== undefined;
}

export function isFinished({ status }: Pick<Deployment, 'status'>): boolean {
  return !UNFINISHED.includes(status);
}
