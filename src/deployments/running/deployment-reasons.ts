import { quoted } from '../../common/values/redact-urls.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type {
  Deployment,
  DirectArtifact,
  DrainingInstance,
  PlannedStop,
  Release,
  Service,
} from '../record/deployment.js';
import type { EnvironmentDifference } from '../record/environment-difference.js';
import { MOST_DRAINING } from './many-drains.js';

/** Why deployments wait and end as they do; docs/reasons.md explains each code. */
export const deploymentReasons = {
  behind: (first: Pick<Deployment, '_id' | 'kind'>): Reason => ({
    code: 'behind_deployment',
    message: `it waits for the ${first.kind} ${first._id} of the same service`,
    data: { deployment_id: first._id },
  }),
  serves: ({ number }: Pick<Release, 'number'>, before: number | undefined): Reason => ({
    code: 'release_serves',
    message:
      before === undefined
        ? `release ${number} serves; nothing did before`
        : `release ${number} serves in the place of release ${before}`,
    data: { release: number, ...(before !== undefined && { previous: before }) },
  }),
  unchanged: ({ number }: Pick<Release, 'number'>): Reason => ({
    code: 'already_serves',
    message: `release ${number}, which an earlier attempt of this execution has made of the same files, serves already`,
    data: { release: number },
  }),
  older: (serving: Pick<Release, 'number' | 'execution_id' | 'commit'>): Reason => ({
    code: 'older_execution',
    message: `this execution is older than the one whose release ${serving.number} serves: a rollback goes back, or allow_older: true allows it`,
    data: { release: serving.number, execution_id: serving.execution_id, commit: serving.commit },
  }),
  fork: (): Reason => ({
    code: 'fork_may_not_deploy',
    message: "a pull request of another repository deploys nothing: its files are a stranger's",
  }),
  otherHost: (service: string, host: string): Reason => ({
    code: 'wrong_host',
    message: `${service} lives on the host ${host}: run the step there (runs_on), or deploy it under another name`,
    data: { host },
  }),
  otherPlace: (service: string, place: string): Reason => ({
    code: 'place_changed',
    message: `${service} lives at ${place}, and its releases with it: deploy to there, or under another name`,
    data: { place },
  }),
  removed: (service: string): Reason => ({
    code: 'service_removed',
    message: `${service} is removed: nothing of it serves, and nothing of it is left`,
  }),
  notRemoved: (why: string): Reason => ({
    code: 'removal_failed',
    message: `not all of it is removed: ${why}; remove it once more`,
  }),
  lostBefore: ({ number }: Pick<Release, 'number'>): Reason => ({
    code: 'worker_lost',
    message: `the worker was lost while release ${number} ran its before_switch, of which a part may be done; what serves was not changed`,
    data: { release: number },
  }),
  beforeSwitchAgain: (id: string): Reason => ({
    code: 'before_switch_again',
    message: `the deployment ${id}, in whose place this one is, was cut off in its before_switch or behind it: that is run once more`,
    data: { deployment_id: id },
  }),
  watchFailed: ({ number }: Pick<Release, 'number'>, problem: string, seconds: number): Reason => ({
    code: 'watch_failed',
    message: `release ${number} failed ${seconds} s after its switch: ${problem}`,
    data: { release: number },
  }),
  notGoneBack: (problem: string, why: string): Reason => ({
    code: 'release_failed',
    message: `${problem}; it did not go back: ${why}. Nothing more is done by itself`,
  }),
  restartsUsedUp: ({ number }: Pick<Release, 'number'>, end: string): Reason => ({
    code: 'restarts_used_up',
    message: `release ${number} has ended too often (${end}) and is not started again by itself`,
    data: { release: number },
  }),
  overtaken: (serving: Pick<Release, 'number'> | undefined): Reason => ({
    code: 'overtaken',
    message:
      serving === undefined
        ? 'it was stopped or removed by now: nothing was changed'
        : `release ${serving.number} serves by now, which has not failed: nothing was changed`,
    data: { release: serving?.number ?? null },
  }),
  restarted: ({ number }: Pick<Release, 'number'>): Reason => ({
    code: 'instance_restarted',
    message: `another instance of release ${number} serves in the place of the one that failed`,
    data: { release: number },
  }),
  replaced: ({ number }: Pick<Release, 'number'>): Reason => ({
    code: 'instance_replaced',
    message: `another instance of release ${number} serves; the one before has its drain`,
    data: { release: number },
  }),
  started: ({ number }: Pick<Release, 'number'>): Reason => ({
    code: 'service_started',
    message: `release ${number} serves again`,
    data: { release: number },
  }),
  stopped: (stop: Pick<Deployment, 'service_id' | 'triggered_by' | 'message'>): Reason => ({
    code: 'service_stopped',
    message: `${stop.service_id} is stopped by ${stop.triggered_by}${saidText(stop.message)}`,
    data: { by: stop.triggered_by },
  }),
  stoppedBefore: (service: string, { by, at, message, deployment_id }: PlannedStop): Reason => ({
    code: 'stopped_already',
    message: `${service} is stopped already, since ${at.toISOString()} by ${by}${saidText(message)}`,
    data: { by, at: at.toISOString(), deployment_id },
  }),
  notStopped: (service: string): Reason => ({
    code: 'not_stopped',
    message: `${service} is not stopped: there is nothing to start`,
  }),
  isStopped: (service: string): Reason => ({
    code: 'is_stopped',
    message: `${service} is stopped: start it`,
  }),
  nothingServes: (service: string): Reason => ({
    code: 'nothing_serves',
    message: `nothing of ${service} serves`,
  }),
  nothingRuns: (unit: string): Reason => ({
    code: 'nothing_runs',
    message: `no part of ${unit} has an instance for which that could be done`,
  }),
  otherServes: (service: string): Reason => ({
    code: 'other_serves',
    message: `another release of ${service} is in service by now: nothing was changed`,
  }),
  partsServe: (unit: string): Reason => ({
    code: 'parts_serve',
    message: `all parts of ${unit} that run serve`,
  }),
  partOfInstances: (kind: Deployment['kind'], part: string, why: Reason): Reason => ({
    code: 'part_not_done',
    message: `the ${kind} of its part ${part} failed, and those behind it are as they were: ${why.message}`,
    data: { part, code: why.code },
  }),
  notClosed: (why: string): Reason => ({
    code: 'route_left',
    message: `its route does not say yet that it is stopped, and will: ${why}`,
  }),
  notEnded: (why: string): Reason => ({
    code: 'instance_left',
    message: `its instance is not ended yet, and will be: ${why}`,
  }),
  failedByChecks: (
    release: number,
    { message, code }: Reason,
    restart?: { readonly number: number; readonly max: number; readonly windowMs: number },
  ): Reason => ({
    code: 'checks_failed',
    message: `the checks say that release ${release} has failed: ${message}; ${restart === undefined ? 'the release before serves again' : `restart ${restart.number} of ${restart.max} within ${restart.windowMs / 60_000} min`}`,
    data: { release, why: code, ...(restart && { restart: restart.number, max: restart.max }) },
  }),
  leftFailed: (release: number, why: readonly string[]): Reason => ({
    code: 'left_failed',
    message: `release ${release} stays failed, and nothing more is done by itself: ${why.join('; ')}`,
    data: { release },
  }),
  otherType: ({ _id, service_type: type }: Pick<Service, '_id' | 'service_type'>): Reason => ({
    code: 'type_changed',
    message: `${_id} is a ${type}: remove it first, or deploy under another name`,
    data: { type },
  }),
  partOfUnit: ({ _id, unit }: Pick<Service, '_id' | 'unit'>): Reason => ({
    code: 'part_of_unit',
    message: `${_id} is a part of ${unit}: deploy that, or roll that back`,
    data: { unit },
  }),
  noPart: ({ _id }: Pick<Service, '_id'>): Reason => ({
    code: 'no_part',
    message: `${_id} is a service by itself, which has served: give the part another name, or remove that service first`,
    data: { service: _id },
  }),
  samePart: (): Reason => ({
    code: 'name_invalid',
    message: 'two parts of the unit have the same name, or one has that of the unit itself',
  }),
  unitUndone: (): Reason => ({
    code: 'unit_undone',
    message: 'its unit was stopped before the switch: nothing of what serves was changed',
  }),
  partFailed: (part: string, why: Reason): Reason => ({
    code: 'part_failed',
    message: `the part ${part} failed, so nothing of the unit was switched: ${why.message}`,
    data: { part, code: why.code },
  }),
  partTakenBack: (part: string, why: Reason, back: readonly string[]): Reason => ({
    code: 'part_failed',
    message: `the part ${part} failed at the switch: ${why.message}; ${back.length === 0 ? 'no other one was switched' : `taken back: ${back.join(', ')}`}`,
    data: { part, code: why.code, taken_back: back },
  }),
  unitTorn: (part: string, why: Reason, left: readonly string[]): Reason => ({
    code: 'unit_torn',
    message: `the part ${part} failed at the switch: ${why.message}; not everything could be taken back, and serves: ${left.join('; ')}`,
    data: { part, code: why.code, left: left.length },
  }),
  heldBack: (part: string): Reason => ({
    code: 'unit_undone',
    message: `the part ${part} of its unit failed before the switch: nothing of what serves was changed`,
    data: { part },
  }),
  partGone: (number: number, part: string): Reason => ({
    code: 'release_gone',
    message: `release ${number} cannot serve any more: that of its part ${part} is not there`,
    data: { release: number, part },
  }),
  partLeft: (part: string): Reason => ({
    code: 'part_left',
    message: `${part} is no part of this release, and continues to serve as it is`,
    data: { service: part },
  }),
  partsStay: (parts: readonly string[]): Reason => ({
    code: 'before_switch_stays',
    message: `where this release is taken back, what the before_switch of ${parts.join(', ')} has done stays`,
    data: { services: [...parts] },
  }),
  placeTaken: (place: string, by: string): Reason => ({
    code: 'path_taken',
    message: `${place} belongs to another service: ${by}`,
    data: { service: by },
  }),
  environmentDiffers: (number: number, difference: EnvironmentDifference): Reason => ({
    code: 'environment_differs',
    message: `release ${number} runs with its own variables: ${shownDifference(difference)}`,
    data: { release: number, ...difference },
  }),
  environmentUnknown: (number: number, why: string): Reason => ({
    code: 'environment_unknown',
    message: `whether the variables of release ${number} are those of today is not known: ${why}`,
    data: { release: number },
  }),
  secretsChanged: (number: number, names: readonly string[]): Reason => ({
    code: 'secrets_changed',
    message: `release ${number} runs with the secrets that it was made with: ${names.join(', ')} got another value since, or ${names.length === 1 ? 'is' : 'are'} gone`,
    data: { release: number, secrets: [...names] },
  }),
  ofPart: (part: string, { code, message, data }: Reason): Reason => ({
    ...{ code, message: `${part}: ${message}`, data: { ...data, part } },
  }),
  environmentOf: (copied: number, serving: number): Reason => ({
    code: 'current_environment',
    message: `it is release ${copied} with the variables and secrets of release ${serving}, which serves now`,
    data: { release: copied, of: serving },
  }),
  artifactGone: ({ shown }: DirectArtifact): Reason => ({
    code: 'artifact_gone',
    message: `the artifact of ${shown} is not there any more: it has expired, or its execution was removed`,
    data: { artifact: shown },
  }),
  artifactBroken: ({ shown }: DirectArtifact, why: string): Reason => ({
    code: 'artifact_changed',
    message: `the artifact of ${shown} cannot be taken: ${why}`,
    data: { artifact: shown },
  }),
  artifactChanged: ({ shown }: DirectArtifact, path: string): Reason => ({
    code: 'artifact_changed',
    message: `the artifact of ${shown} is not as it was kept: ${quoted(path, 100)} is another file`,
    data: { artifact: shown },
  }),
  noFolderOfArtifact: ({ shown, source }: DirectArtifact): Reason => ({
    code: 'source_missing',
    message: `the source ${quoted(source, 100)} is no folder of the artifact of ${shown}, whose paths are those of its workspace`,
    data: { artifact: shown },
  }),
  releaseGone: (number: number): Reason => ({
    code: 'release_gone',
    message: `release ${number} is not there any more`,
    data: { release: number },
  }),
  releaseChanged: (number: number): Reason => ({
    code: 'release_changed',
    message: `release ${number} is not as it was deployed: somebody has changed its files`,
    data: { release: number },
  }),
  otherThanApproved: (what: string): Reason => ({
    code: 'approved_differs',
    message: `it is not deployed, since it is not what people were asked about any more: ${what}`,
    data: { what },
  }),
  imageElsewhere: (image: string, host: string): Reason => ({
    code: 'image_missing',
    message: `the image ${image} is only on the host ${host}, where it was built before the deployment waited: bring the step to that host (runs_on), or push the image`,
    data: { image, host },
  }),
  gone: (id: string): Reason => ({
    code: 'deployment_lost',
    message: `how the deployment ${id} ended is not known: there is no record of it any more`,
  }),
  continues: (id: string): Reason => ({
    code: 'deployment_continues',
    message: `its environment lets the deployment ${id} through`,
    data: { deployment_id: id },
  }),
  executionOver: (): Reason => ({
    code: 'execution_over',
    message: 'its execution ended while it waited: nothing of what serves was changed',
  }),
  digestDiffers: (expected: string, found: string): Reason => ({
    code: 'digest_differs',
    message: `the copy is not the same release: ${found} instead of ${expected}`,
    data: { expected, found },
  }),
  workerLost: (): Reason => ({
    code: 'worker_lost',
    message: 'its worker was lost before the switch: nothing of what serves was changed',
  }),
  interrupted: (): Reason => ({
    code: 'interrupted',
    message: 'its worker stopped before the switch: nothing of what serves was changed',
  }),
  cancelled: (by?: string): Reason => ({
    code: 'cancelled',
    message: `cancelled${by === undefined ? '' : ` by ${by}`} before the switch: nothing of what serves was changed`,
    ...(by !== undefined && { data: { by } }),
  }),
  failed: (message: string): Reason => ({
    code: 'deploy_failed',
    message: `${message}; nothing of what serves was changed`,
  }),
  drainCut: ({ number, drain_until: until }: Pick<Release, 'number' | 'drain_until'>): Reason => ({
    code: 'drain_cut',
    message: `release ${number} ends before its drain is over${untilText(until)}: of a service at most ${MOST_DRAINING} old releases drain at once, and the oldest ends first`,
    data: { release: number },
  }),
  instanceDrainCut: (
    { number }: Pick<Release, 'number'>,
    { instance, until }: DrainingInstance,
  ): Reason => ({
    code: 'drain_cut',
    message: `instance ${instance} of release ${number} ends before its drain is over${untilText(until)}: of a release at most ${MOST_DRAINING} replaced instances drain at once, and the oldest ends first`,
    data: { release: number, instance },
  }),
  notCleanedUp: (message: string): Reason => ({
    code: 'clean_up_failed',
    message: `releases that are not needed any more could not be removed: ${message}`,
  }),
} as const;

function untilText(until: Date | null | undefined): string {
  return until ? ` (${until.toISOString()})` : '';
}

function saidText(message: string | null | undefined): string {
  return message ? `: ${message}` : '';
}

/** `TOKEN is different today; DEBUG is not there any more` */
function shownDifference({ changed, only_now, only_then }: EnvironmentDifference): string {
  const parts: readonly (readonly [names: readonly string[], one: string, more: string])[] = [
    [changed, 'is different today', 'are different today'],
    [only_now, 'is there today only', 'are there today only'],
    [only_then, 'is not there today', 'are not there today'],
  ];
  return parts
    .filter(([names]) => names.length > 0)
    .map(([names, one, more]) => `${names.join(', ')} ${names.length === 1 ? one : more}`)
    .join('; ');
}
