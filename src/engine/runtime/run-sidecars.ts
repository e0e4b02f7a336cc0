import { nameRecord, type NameRecord, valueOf } from '../../common/values/name-record.js';
import { renderText } from '../expression/render-text.js';
import { TemplateError } from '../expression/template.js';
import type { Reason } from '../plan/run-state.js';
import { type SidecarPlan, sidecarStepName } from '../plan/sidecar-plan.js';
import { reason } from './reasons.js';
import type { StageNode } from './run-graph.js';
import { PLAIN_STATUS, runScope } from './run-scope.js';
import type { RunSession } from './run-session.js';
import type { SidecarStart } from './sidecar-host.js';
import { EnvironmentError, mergeEnvironment } from './step-environment.js';
import type { StepAddress } from './step-handler.js';
import { placeEnvironment } from './step-preparation.js';
import type { StopScope } from './stop-scope.js';

/** The sidecars of a stage; undefined: those of the run. */
export function sidecarsOf(
  session: RunSession,
  stage: StageNode | undefined,
): readonly SidecarPlan[] {
  return (stage?.plan ?? session.plan).sidecars ?? [];
}

/** Lets a stage wait for them. */
export function waitForSidecars(
  { store }: RunSession,
  stage: number,
  sidecars: readonly SidecarPlan[],
): void {
  const names = sidecars.map(({ name }) => name);
  const why = reason('sidecars', `waits for sidecars: ${names.join(', ')}`, { sidecars: names });
  if (store.stageStatus(stage) === 'waiting') store.explainStage(stage, why);
  else store.moveStage(stage, 'waiting', why);
}

/**
 * Starts the sidecars of a stage or of the run. Undefined = continue: they are ready, or `scope` is
 * stopped, which tells why; else why its steps cannot run.
 */
export async function startSidecars(
  session: RunSession,
  stage: StageNode | undefined,
  scope: StopScope,
): Promise<Reason | undefined> {
  const starts: SidecarStart[] = [];
  for (const plan of sidecarsOf(session, stage)) {
    const address = { stage: stage?.name ?? '', step: sidecarStepName(plan.name), attempt: 1 };
    const prepared = prepare(session, stage, plan, address);
    if ('code' in prepared) return refuse(session, address, prepared);
    starts.push(prepared);
  }
  const abort = new AbortController();
  const forget = scope.onStop((cause) => abort.abort(cause.reason));
  const end = await session.sidecarHost.start(starts, abort.signal);
  forget();
  if (end.kind !== 'failed' || scope.cause !== undefined) return undefined;
  return refuse(session, end.address, session.maskReason(end.reason), end.exitCode);
}

function refuse(session: RunSession, address: StepAddress, why: Reason, exitCode?: number): Reason {
  const { stage, step } = address;
  session.noteFailure(why, {
    stage,
    step,
    ...(exitCode !== undefined && { exitCode }),
    reason: why,
    lastLines: session.ports.lastLines(address),
  });
  return why;
}

/** The sidecar with its texts evaluated, or why that cannot be done. */
function prepare(
  session: RunSession,
  stage: StageNode | undefined,
  plan: SidecarPlan,
  address: StepAddress,
): SidecarStart | Reason {
  const refused = (why: Reason): Reason => {
    session.ports.systemLine(address, why.message);
    return why;
  };
  try {
    const around = placeEnvironment(session, { stage, status: PLAIN_STATUS });
    const scope = runScope(session, stage, around, PLAIN_STATUS);
    const { user } = plan;
    const rendered = {
      ...plan,
      image: renderText(plan.image, scope),
      ...(user !== undefined && { user: renderText(user, scope) }),
    };
    const environment = ownEnvironment(session, stage, plan, around);
    tellWithheld(session, plan, address);
    return { address, plan: rendered, environment };
  } catch (error) {
    if (error instanceof TemplateError) {
      const message = `sidecar "${plan.name}": ${error.problem.message}`;
      return refused(reason('expression_failed', session.mask(message)));
    }
    if (error instanceof EnvironmentError) {
      return refused(reason(error.code, session.mask(`sidecar "${plan.name}": ${error.message}`)));
    }
    throw error;
  }
}

/**
 * What is written for the sidecar, and its secrets; texts read the environment of its place.
 * Nothing else of that goes into a program that is no step.
 */
function ownEnvironment(
  session: RunSession,
  stage: StageNode | undefined,
  { environment, secrets = [] }: SidecarPlan,
  around: NameRecord<string>,
): NameRecord<string> {
  const given = nameRecord(
    secrets.flatMap((name) => {
      const value = session.ports.secret(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const merged = mergeEnvironment({
    platform: around,
    levels: [environment],
    overrides: given,
    scope: (env) => runScope(session, stage, env, PLAIN_STATUS),
  });
  const names = [...Object.keys(environment), ...Object.keys(given)];
  return nameRecord(
    names.flatMap((name) => {
      const value = valueOf(merged, name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/** As of a step: a secret that the run is not given is no empty variable. */
function tellWithheld(
  session: RunSession,
  { secrets = [] }: SidecarPlan,
  address: StepAddress,
): void {
  const withheld = secrets.filter((name) => session.ports.secret(name) === undefined);
  if (withheld.length === 0) return;
  const names = withheld.join(', ');
  session.ports.systemLine(address, `secrets are not given to this run: ${names}`);
}
