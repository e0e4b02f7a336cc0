import { shownSize } from '../../common/values/shown-size.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { Approval, ApprovalKind } from '../../environments/approval.js';
import {
  type Deployment,
  type DeploymentKind,
  type DeploymentPhase,
  type DeploymentPhaseTimes,
  isFinished,
  type Release,
} from '../record/deployment.js';
import { explainedReasons as because } from './explained-reasons.js';

/** What a part of an explanation is about, in the order in which they are told. */
export const EXPLAINED_PARTS = [
  'cause',
  'approval',
  'wait',
  'release',
  'gate',
  'switch',
  'drain',
  'warning',
  'end',
] as const;
export type ExplainedAbout = (typeof EXPLAINED_PARTS)[number];

export interface ExplainedPart extends Reason {
  readonly about: ExplainedAbout;
  /** When it was so; null: it is so now, or no time was stored. */
  readonly at: Date | null;
}

/** What other kinds are about was there before. */
const MAKE_RELEASES: readonly DeploymentKind[] = ['deploy', 'promote'];

/** A deployment and what its record names. */
export interface ExplainedDeployment {
  readonly deployment: Deployment;
  /** What it makes, or brings back. */
  readonly release: Release | undefined;
  /** What served before. */
  readonly previous: Release | undefined;
  /** What serves now. */
  readonly serving: Release | undefined;
  /** What is copied; undefined: nothing is. */
  readonly source: Release | undefined;
  /** What people have said, and whether it counts now. */
  readonly given: readonly { readonly approval: Approval; readonly counts: boolean }[];
}

/**
 * Why a deployment is as it is, in the order of time. Everything is told by what was stored: no
 * target, engine or proxy is asked. Pure.
 */
export function explainDeployment(seen: ExplainedDeployment): readonly ExplainedPart[] {
  return [
    part('cause', causeOf(seen), seen.deployment.created_at),
    ...approvalParts(seen),
    ...waitParts(seen),
    ...releaseParts(seen),
    ...gateParts(seen),
    ...switchParts(seen),
    ...drainParts(seen),
    ...seen.deployment.warnings.map((warning) => part('warning', warning)),
    ...endParts(seen),
  ];
}

function causeOf({ deployment, release, source }: ExplainedDeployment): Reason {
  const { kind } = deployment;
  const watched = deployment.warnings.find(
    ({ code }) => code === 'watch_failed' || code === 'checks_failed',
  );
  if (watched !== undefined) return watched;
  if (kind === 'remove') return because.askedToRemove(deployment);
  if (kind === 'stop' || kind === 'start' || kind === 'restart') {
    return because.askedOfInstance(kind, deployment);
  }
  if (kind === 'rollback') return because.askedToGoBack(deployment, source ?? release);
  if (kind === 'promote') return because.askedToPromote(deployment, source);
  return deployment.direct === undefined
    ? because.askedByStep(deployment)
    : because.askedByApi(deployment);
}

function approvalParts({ deployment, given }: ExplainedDeployment): ExplainedPart[] {
  const words: Readonly<Record<ApprovalKind, string>> = {
    approval: 'approved',
    override: 'overridden',
    rejection: 'rejected',
  };
  const said = given.map(({ approval, counts }) =>
    part('approval', because.said(words[approval.kind], approval, counts), approval.at),
  );
  const isThrough = deployment.gate === 'open';
  return [...said, ...(isThrough ? [part('approval', because.letThrough(deployment))] : [])];
}

function waitParts({ deployment }: ExplainedDeployment): ExplainedPart[] {
  const { status, reason, created_at: from, started_at: at } = deployment;
  if (status === 'waiting' && reason !== null) return [part('wait', reason)];
  if (status === 'pending') return [part('wait', because.notBegun(deployment))];
  if (at === null) return [];
  return [part('wait', because.begun(at.getTime() - from.getTime()), at)];
}

function releaseParts({ deployment, release }: ExplainedDeployment): ExplainedPart[] {
  // What is brought back is named by its cause; what was never begun has none.
  const isCopy = deployment.source_release_id !== undefined;
  const isBack = !MAKE_RELEASES.includes(deployment.kind);
  if (release === undefined || (isBack && !isCopy)) return [];
  const isOther = release.deployment_id !== deployment._id;
  if (isOther) return [part('release', because.releaseOfAnother(release), release.created_at)];
  const made = because.releaseMade(release, shownSize(release.bytes));
  return [part('release', made, release.created_at)];
}

function gateParts(seen: ExplainedDeployment): ExplainedPart[] {
  const { deployment } = seen;
  const gate = phaseOf(deployment, 'gate');
  if (gate === undefined) return [];
  const { started_at: from, finished_at: to, said = [] } = gate;
  if (to === null) return [part('gate', because.gateAsks(), from)];
  const ms = to.getTime() - from.getTime();
  if (phaseOf(deployment, 'switch') !== undefined) {
    return [part('gate', because.gatePassed(ms, said), to)];
  }
  return [part('gate', because.gateNotPassed(ms, said, deployment.reason), to)];
}

function switchParts({ deployment, release, previous }: ExplainedDeployment): ExplainedPart[] {
  const at = phaseOf(deployment, 'switch');
  if (at !== undefined && deployment.kind === 'remove') {
    return [part('switch', because.withdrawn(deployment, previous), at.started_at)];
  }
  if (at !== undefined && deployment.kind === 'stop') {
    return [part('switch', because.closed(deployment), at.started_at)];
  }
  if (at === undefined || release === undefined) return [];
  if (phaseOf(deployment, 'clean_up') !== undefined) {
    if (deployment.kind === 'restart' || deployment.kind === 'start') {
      return [part('switch', because.otherInstance(release), at.finished_at ?? at.started_at)];
    }
    const before = previous?._id === release._id ? undefined : previous;
    return [part('switch', because.switched(release, before), at.finished_at ?? at.started_at)];
  }
  return isFinished(deployment)
    ? [part('switch', because.notSwitched(release), at.finished_at)]
    : [part('switch', because.switching(release), at.started_at)];
}

function drainParts({
  deployment,
  release,
  previous,
  serving,
}: ExplainedDeployment): ExplainedPart[] {
  if (phaseOf(deployment, 'clean_up') === undefined || release === undefined) return [];
  if (serving !== undefined && serving._id !== release._id) {
    return [part('drain', because.replaced(release, serving))];
  }
  if (previous === undefined || previous._id === release._id) return [];
  return [part('drain', because.retired(previous))];
}

function endParts(seen: ExplainedDeployment): ExplainedPart[] {
  const { deployment, release, serving } = seen;
  const { reason, status, finished_at: at } = deployment;
  if (!isFinished(deployment)) return unfinishedParts(deployment);
  if (reason === null) return [];
  const end = part('end', reason, at);
  if (status === 'success') return [end];
  const isTakenBack = release?.deployment_id === deployment._id && release.status === 'failed';
  return [
    end,
    ...(isTakenBack ? [part('end', because.releaseTakenBack(release), at)] : []),
    part('end', because.servesNow(serving)),
  ];
}

function unfinishedParts(deployment: Deployment): ExplainedPart[] {
  const { phases, cancel_requested_by: by } = deployment;
  const now = phases.at(-1);
  return [
    ...(now ? [part('end', because.inPhase(now.name), now.started_at)] : []),
    ...(by === null ? [] : [part('end', because.cancelWanted(by))]),
  ];
}

function phaseOf({ phases }: Deployment, name: DeploymentPhase): DeploymentPhaseTimes | undefined {
  return phases.findLast((one) => one.name === name);
}

function part(about: ExplainedAbout, reason: Reason, at: Date | null = null): ExplainedPart {
  const { code, message, data } = reason;
  return { about, code, message, ...(data && { data }), at };
}
