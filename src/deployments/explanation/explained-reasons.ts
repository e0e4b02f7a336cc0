import type { Reason } from '../../engine/plan/run-state.js';
import type { Approval } from '../../environments/approval.js';
import type { Deployment, DeploymentPhase, Release } from '../record/deployment.js';

type Asked = Pick<Deployment, 'triggered_by'>;
type Numbered = Pick<Release, 'number'>;
type Retired = Pick<Release, 'number' | 'status' | 'drain_until'>;

const SHORT_COMMIT = 12;
const OF_INSTANCE = {
  stop: { code: 'asked_to_stop', done: 'stopped' },
  start: { code: 'asked_to_start', done: 'started again' },
  restart: { code: 'asked_to_restart', done: 'restarted' },
} as const;

/**
 * What an explanation says beside the stored reasons of a deployment; docs/reasons.md explains each
 * code.
 */
export const explainedReasons = {
  askedByStep: (asked: Deployment): Reason => {
    const { stage, step, execution_id, pipeline_name, commit, branch, triggered_by } = asked;
    const of = pipeline_name === null ? '' : ` of ${pipeline_name}`;
    const at = commit === null ? '' : `, at ${commit.slice(0, SHORT_COMMIT)}`;
    const from = branch === null ? '' : ` of ${branch}`;
    return {
      code: 'asked_by_step',
      message: `the step ${stage ?? ''}/${step ?? ''}${of} deploys what it has made${at}${from}; triggered by ${triggered_by}`,
      data: { execution_id, stage, step, commit, branch, triggered_by },
    };
  },
  askedByApi: ({ settings, service_id: service, direct, ...asked }: Deployment): Reason => {
    const { commit, execution_id, triggered_by: by } = asked;
    const artifact = direct?.artifact?.shown;
    const at = commit === null ? '' : `, at ${commit.slice(0, SHORT_COMMIT)}`;
    const image = settings.type === 'docker_container' ? settings.image : undefined;
    const what = image ?? `the artifact of ${artifact ?? ''}${at}`;
    return {
      code: 'asked_by_api',
      message: `${by} asked by the API that ${what} is deployed as ${service}`,
      data: { by, ...(image !== undefined ? { image } : { artifact, execution_id, commit }) },
    };
  },
  askedToGoBack: ({ triggered_by: by }: Asked, release: Release | undefined): Reason => ({
    code: 'asked_to_go_back',
    message: `${by} asked that ${release === undefined ? 'an earlier release' : `release ${release.number}`} serves again`,
    data: {
      by,
      ...(release && { release: release.number, deployment_id: release.deployment_id }),
    },
  }),
  askedToRemove: ({ triggered_by: by, service_id: service }: Deployment): Reason => ({
    code: 'asked_to_remove',
    message: `${by} asked that ${service} is removed, with all that it has`,
    data: { by },
  }),
  askedOfInstance: (
    kind: 'stop' | 'start' | 'restart',
    { triggered_by: by, service_id: service, message }: Deployment,
  ): Reason => ({
    code: OF_INSTANCE[kind].code,
    message: `${by} asked that ${service} is ${OF_INSTANCE[kind].done}${message === undefined ? '' : `: ${message}`}`,
    data: { by },
  }),
  closed: ({ service_id: service }: Deployment): Reason => ({
    code: 'route_closed',
    message: `from here on who asks ${service} is told that it is stopped`,
  }),
  withdrawn: ({ service_id: service }: Deployment, previous: Numbered | undefined): Reason => ({
    code: 'withdrawn',
    message: `from here on nothing of ${service} serves; ${previous === undefined ? 'nothing had before' : `release ${previous.number} had before`}`,
    data: { previous: previous?.number ?? null },
  }),
  askedToPromote: ({ triggered_by: by }: Asked, source: Release | undefined): Reason => ({
    code: 'asked_to_promote',
    message: `${by} asked for the same release as ${source === undefined ? 'in another environment' : `release ${source.number} of ${source.service_id}`}`,
    data: {
      by,
      ...(source && { release: source.number, service: source.service_id }),
    },
  }),
  said: (code: string, { login, reason, at }: Approval, counts: boolean): Reason => ({
    code,
    message: `${login} ${code === 'overridden' ? 'passed over what was missing' : `${code} it`}${reason === null ? '' : `: ${reason}`}${counts ? '' : ', which counts no more'}`,
    data: { login, at: at.toISOString(), counts },
  }),
  letThrough: ({ environment }: Pick<Deployment, 'environment'>): Reason => ({
    code: 'let_through',
    message: `it has what ${environment} asks for`,
  }),
  notBegun: ({ worker_id: worker, host }: Pick<Deployment, 'worker_id' | 'host'>): Reason =>
    worker === null
      ? {
          code: 'no_worker_yet',
          message: `no worker of the host ${host} has taken it yet`,
          data: { host },
        }
      : {
          code: 'not_begun',
          message: 'its worker has it, and has not begun',
          data: { host, worker_id: worker },
        },
  begun: (ms: number): Reason => ({
    code: 'begun',
    message: `it began ${secondsText(ms)} after it was asked for`,
    data: { waited_ms: ms },
  }),
  releaseMade: ({ number, digest, files, bytes }: Release, size: string): Reason => ({
    code: digest === null ? 'release_begun' : 'release_made',
    message:
      digest === null
        ? `release ${number} is not whole`
        : `release ${number}: ${files === 0 ? '' : `${files} ${files === 1 ? 'file' : 'files'}, `}${size}, ${digest}`,
    data: { release: number, digest, files, bytes },
  }),
  releaseOfAnother: ({ number, deployment_id }: Release): Reason => ({
    code: 'release_of_another',
    message: `release ${number} was made by the deployment ${deployment_id}`,
    data: { release: number, deployment_id },
  }),
  releaseTakenBack: ({ number }: Numbered): Reason => ({
    code: 'release_taken_back',
    message: `release ${number} never served, and nothing of it is left`,
    data: { release: number },
  }),
  gateAsks: (): Reason => ({
    code: 'gate_asks',
    message: 'its instance runs, and is asked by its gate',
  }),
  gatePassed: (ms: number, said: readonly string[]): Reason => ({
    code: 'gate_passed',
    message: `its gate was passed after ${secondsText(ms)}${said.length === 0 ? '' : `: ${said.join('; ')}`}`,
    data: { ms, said },
  }),
  gateNotPassed: (ms: number, said: readonly string[], reason: Reason | null): Reason => ({
    code: 'gate_not_passed',
    message: `its gate was not passed in ${secondsText(ms)}${reason === null ? '' : `: ${reason.message}`}`,
    data: { ms, said },
  }),
  switched: ({ number }: Numbered, before: Numbered | undefined): Reason => ({
    code: 'switched',
    message: `from here on release ${number} served; ${before === undefined ? 'nothing had' : `release ${before.number} had`} before`,
    data: { release: number, ...(before && { previous: before.number }) },
  }),
  otherInstance: ({ number }: Numbered): Reason => ({
    code: 'other_instance',
    message: `from here on another instance of release ${number} served`,
    data: { release: number },
  }),
  switching: ({ number }: Numbered): Reason => ({
    code: 'switching',
    message: `the switch to release ${number} is being made`,
    data: { release: number },
  }),
  notSwitched: ({ number }: Numbered): Reason => ({
    code: 'not_switched',
    message: `the switch to release ${number} was begun, and not made`,
    data: { release: number },
  }),
  retired: (previous: Retired): Reason => ({
    code: 'previous_release',
    message: `release ${previous.number}, which served before, ${stateText(previous)}`,
    data: stateData(previous),
  }),
  replaced: (own: Retired, serving: Release): Reason => ({
    code: 'replaced',
    message: `release ${serving.number} serves now; release ${own.number} ${stateText(own)}`,
    data: { ...stateData(own), serving: serving.number },
  }),
  inPhase: (phase: DeploymentPhase): Reason => ({
    code: 'in_phase',
    message: `it is not over: ${phase} is being done`,
    data: { phase },
  }),
  cancelWanted: (by: string): Reason => ({
    code: 'cancel_wanted',
    message: `${by} wants it cancelled: it ends before its switch`,
    data: { by },
  }),
  servesNow: (serving: Numbered | undefined): Reason => ({
    code: 'serves_now',
    message:
      serving === undefined ? 'nothing of the service serves' : `release ${serving.number} serves`,
    data: { release: serving?.number ?? null },
  }),
} as const;

function stateData({ number, status, drain_until: until }: Retired): NonNullable<Reason['data']> {
  const isDraining = status === 'draining' && until;
  return { release: number, status, ...(isDraining && { drain_until: until.toISOString() }) };
}

function stateText({ status, drain_until: until }: Retired): string {
  switch (status) {
    case 'draining':
      return `has until ${until?.toISOString() ?? 'now'} for what it has begun`;
    case 'kept':
      return 'is kept, and a rollback brings it back';
    case 'removed':
      return 'is removed';
    case 'serving':
      return 'serves';
    case 'preparing':
    case 'prepared':
      return 'never served';
    case 'failed':
      return 'never served, and nothing of it is left';
  }
}

function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
