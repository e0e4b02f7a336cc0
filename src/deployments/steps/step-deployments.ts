import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../common/values/error-message.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { causeOf } from '../../environments/approval.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { StepOutcome } from '../../engine/runtime/step-handler.js';
import { APPROVAL_TIMEOUT_MS } from '../../engine/steps/approval/approval-action.js';
import {
  Deployer,
  type DeploymentBefore,
  type DeployRequest,
  type DeploySubject,
} from '../../executions/attempt/steps/deployer.js';
import { WorkerLease } from '../../workers/worker-lease.js';
import {
  type ApprovedFiles,
  type ContainerSettings,
  type Deployment,
  type DeploySettings,
  hostOf,
  isFinished,
  notBegun,
  placeOn,
  serviceIdOf,
  unitPlace,
} from '../record/deployment.js';
import {
  DeploymentStore,
  type NewDeployment,
  type NewService,
  PlaceTakenError,
} from '../record/deployment-store.js';
import { DeploymentFencedError } from '../running/recorded-run.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import { OwnDeployments } from '../running/own-deployments.js';
import { type DeploymentEnd, SuspendedDeployments } from '../running/suspended-deployments.js';
import { SealedTexts } from '../record/sealed-texts.js';
import { DeployRefusedError, TargetAwayError } from '../targets/deploy-target.js';
import { isForLater } from '../targets/is-for-later.js';
import { imageGone } from '../targets/image-gone.js';
import { AwayPatience } from './away-patience.js';
import { filesDigest } from './approved-files.js';
import { AskedSettings } from './asked-settings.js';
import {
  otherThanApproved,
  partsOf,
  placeNamed,
  refuseNames,
  sourceOf,
  sourcesOf,
} from './deploy-subject.js';

const BEFORE_SWITCH_AGAIN = deploymentReasons.beforeSwitchAgain('').code;
const RECOVERY_POLL_MS = 250;

/** Deploys what steps of this worker have made. */
@Injectable()
export class StepDeployments extends Deployer {
  private readonly settings: AskedSettings;

  constructor(
    private readonly store: DeploymentStore,
    private readonly own: OwnDeployments,
    private readonly lease: WorkerLease,
    sealed: SealedTexts,
    private readonly suspended: SuspendedDeployments,
  ) {
    super();
    this.settings = new AskedSettings(store, sealed, (settings) =>
      own.targetOf(settings).placeOf(settings),
    );
  }

  async deploy(request: DeployRequest, signal: AbortSignal): Promise<StepOutcome> {
    try {
      return await this.tryToDeploy(request, signal);
    } catch (error) {
      if (error instanceof DeployRefusedError) {
        return { kind: 'failed', reason: error.reason, isFinal: true };
      }
      if (error instanceof PlaceTakenError) {
        const place = placeNamed(request.subject.action);
        const reason = deploymentReasons.placeTaken(place, error.serviceId);
        return { kind: 'failed', reason, isFinal: true };
      }
      if (error instanceof DeploymentFencedError || isForLater(error)) {
        const message = `how the deployment ended is not known here: ${messageOf(error)}`;
        return { kind: 'infrastructure', reason: { code: 'deployment_lost', message } };
      }
      throw error;
    }
  }

  private async tryToDeploy(request: DeployRequest, signal: AbortSignal): Promise<StepOutcome> {
    const { subject, context, before } = request;
    const { action } = subject;
    if (before !== undefined) return this.continueWith(request, before, signal);
    if (context.trigger.fork === true) throw new DeployRefusedError(deploymentReasons.fork());
    refuseNames(subject);
    const refusal = await this.own.gate.refusal(action.environment, causeOf(context));
    if (refusal !== undefined) throw new DeployRefusedError(refusal);
    const known = await this.store.service(serviceIdOf(action.environment, action.service));
    if (known?.unit && known.release_id !== null) {
      throw new DeployRefusedError(deploymentReasons.partOfUnit(known));
    }
    const asked = this.newDeployment(request, await this.settings.of(subject));
    return this.own.during(asked._id, async () => {
      const accepted = await this.store.accept(asked, this.newService(asked));
      return this.outcomeOf(await this.run(accepted, request, signal), signal);
    });
  }

  private run(
    deployment: Deployment,
    request: DeployRequest,
    signal: AbortSignal,
  ): Promise<Deployment> {
    const { subject, context, tell, mask, timeoutMs: limitMs = APPROVAL_TIMEOUT_MS } = request;
    const { _id: id, environment, service, approved_files: approved } = deployment;
    request.accepted({ id, environment, service });
    if (request.before?.id !== id) tell(`deployment ${id} of ${deployment.service_id}`);
    return this.own.run(deployment, {
      ...sourcesOf(subject, approved),
      datedBy: context.trigger.rerun_of ?? context.executionId,
      mayBeOlder: subject.action.allowOlder === true,
      suspend: {
        ...{ attempt: context.executionAttempt, limitMs },
        files: async () => {
          await this.keepImages(deployment);
          return this.filesOf(deployment, subject, signal);
        },
      },
      ...{ tell, signal, ...(mask && { mask }) },
    });
  }

  /**
   * What the execution has built goes with its worker: until it is over the image stays. Kept under
   * the execution's name, as more than one deployment may take the place of one that was lost.
   * @throws DeployRefusedError, TargetAwayError
   */
  private async keepImages({ settings, execution_id: execution }: Deployment): Promise<void> {
    for (const own of containersOf(settings)) {
      if (await this.own.targetOf(own).keepWaiting(execution ?? '', own)) continue;
      throw new DeployRefusedError(imageGone(own.image));
    }
  }

  /** What is put before people. @throws DeployRefusedError, the reason of the signal */
  private async filesOf(
    { settings }: Deployment,
    subject: DeploySubject,
    signal: AbortSignal,
  ): Promise<readonly ApprovedFiles[]> {
    const files: ApprovedFiles[] = [];
    for (const { service, found, settings: own } of partsOf(subject, settings)) {
      const digest = await filesDigest(sourceOf(found), own, signal);
      if (digest !== undefined) files.push({ service, digest });
    }
    return files;
  }

  /**
   * What has waited with its execution: the same deployment continues, or says how it ended. Where
   * a worker was lost while it was at it, another one of the same takes its place, with the
   * approvals that it had: so whoever continues finds what was done in the end, and does it once.
   */
  private async continueWith(
    request: DeployRequest,
    before: DeploymentBefore,
    signal: AbortSignal,
  ): Promise<StepOutcome> {
    let { id } = before;
    for (;;) {
      const ended = await this.continued(id, request, before, signal);
      if (ended === 'aborted') return { kind: 'aborted' };
      if (!wasLost(ended) || signal.aborted) return this.outcomeOf(ended, signal);
      id = await this.successorOf(ended, request.context);
    }
  }

  /** @returns it, over or suspended again */
  private async continued(
    id: string,
    request: DeployRequest,
    { refusal }: DeploymentBefore,
    signal: AbortSignal,
  ): Promise<Deployment | 'aborted'> {
    let isTold = false;
    const patience = new AwayPatience(request.tell, signal);
    for (;;) {
      if (signal.aborted) return 'aborted';
      const current = await this.store.find(id);
      if (current === undefined) throw new DeployRefusedError(deploymentReasons.gone(id));
      if (isFinished(current)) return current;
      if (current.suspended_in == null) {
        // A worker that was lost has left it: whoever recovers it says how it ended.
        if (!isTold) request.tell(`deployment ${id} is recovered by a worker of ${current.host}`);
        isTold = true;
        await delay(RECOVERY_POLL_MS, undefined, { signal }).catch(() => undefined);
        continue;
      }
      const look = await patience.ask(async () => refusal ?? this.whyNotNow(current, request));
      if (look.kind === 'again') continue;
      const problem = look.kind === 'over' ? look.reason : look.value;
      const done = await this.own.during(id, async () => {
        if (problem !== undefined)
          return this.suspended.end(current, failedFor(problem), request.mask);
        // It acts on the host of whoever continues with it. A process that is killed right behind
        // this leaves it to the workers of that one.
        const host = hostOf(current.settings, this.own.host);
        const taken = await this.store.take(current, this.lease.id, host);
        return taken && this.run(taken, request, signal);
      });
      if (done !== undefined) return done;
    }
  }

  /**
   * Why what people were asked about is not deployed by this worker; undefined: it may be.
   * @throws TargetAwayError, EngineAwayError: it is not known now
   */
  private async whyNotNow(
    deployment: Deployment,
    { subject, context }: DeployRequest,
  ): Promise<Reason | undefined> {
    const other = otherThanApproved(deployment, subject, context);
    if (other !== undefined) return deploymentReasons.otherThanApproved(other);
    // Nothing is fetched for what does not begin.
    if (deployment.cancel_requested_by !== null) return undefined;
    if ((await this.own.gate.look(deployment)).kind !== 'open') return undefined;
    const { images_on: host = deployment.host } = deployment;
    for (const { service, found, settings } of partsOf(subject, deployment.settings)) {
      if (settings.type !== 'docker_container') continue;
      if (await this.own.targetOf(settings).hasWaiting(context.executionId, settings)) continue;
      const brought = await found.bring?.();
      const elsewhere =
        host === this.own.host ? undefined : deploymentReasons.imageElsewhere(settings.image, host);
      if (brought === undefined) return elsewhere ?? imageGone(settings.image);
      if ('kind' in brought) {
        if (brought.kind === 'infrastructure') throw new TargetAwayError(brought.reason);
        if (!('reason' in brought)) return undefined;
        // Of a name that an earlier step has built, too, people hear where it is.
        const isMissing = brought.reason?.code === 'image_missing';
        return (isMissing ? elsewhere : undefined) ?? brought.reason;
      }
      if (brought.image.id === settings.image_id) continue;
      const what = `the image ${settings.image} of ${service} is another one here`;
      return deploymentReasons.otherThanApproved(what);
    }
    return undefined;
  }

  /** The deployment in the place of one that was lost: for each of them there is one. */
  private async successorOf(lost: Deployment, { executionAttempt }: RunContext): Promise<string> {
    const parts = (lost.parts ?? []).map(({ deployment_id: id }) => id);
    const all = [lost, ...(await this.store.deploymentsWith(parts)).values()];
    const hasRunBefore = all.some(({ phases }) =>
      phases.some(({ name }) => name === 'before_switch'),
    );
    const successor: NewDeployment = {
      ...{
        ...asAsked(lost),
        ...notBegun(lost.created_at),
        _id: uuidV7(),
        fence: 1,
        release_id: null,
      },
      warnings: hasRunBefore
        ? [deploymentReasons.beforeSwitchAgain(lost._id)]
        : lost.warnings.filter(({ code }) => code === BEFORE_SWITCH_AGAIN),
      ...{ request_key: `${lost.request_key}+`, worker_id: this.lease.id },
      ...{ status: 'waiting', reason: lost.reason, gate: 'closed', suspended_in: executionAttempt },
    };
    return (await this.store.accept(successor, this.newService(successor)))._id;
  }

  private newDeployment(
    { subject, address, context, mask = String }: DeployRequest,
    settings: DeploySettings,
  ): NewDeployment {
    const { environment, service, type } = subject.action;
    const all = 'parts' in subject ? subject.parts.map(({ found }) => found) : [subject.found];
    const detected = all.flatMap(({ detected: lines = [] }) => lines);
    return {
      ...{ _id: uuidV7(), kind: 'deploy', environment, service, type, settings },
      request_key: requestKey(context, address),
      service_id: serviceIdOf(environment, service),
      host: hostOf(settings, this.own.host),
      ...{ worker_id: this.lease.id, fence: 1, release_id: null },
      execution_id: context.executionId,
      pipeline_id: context.pipelineId,
      pipeline_name: context.pipelineName,
      ...{ stage: address.stage, step: address.step },
      commit: context.trigger.commit ?? null,
      branch: context.trigger.branch ?? null,
      triggered_by: context.trigger.actor ?? context.trigger.event,
      cause: causeOf(context),
      ...notBegun(new Date()),
      logs: detected.map((line) => mask(`found: ${line}`)),
    };
  }

  private newService(deployment: NewDeployment): NewService {
    const { service_id: _id, service: name, environment, type, host, settings } = deployment;
    const { created_at } = deployment;
    return {
      ...{ _id, id: uuidV7(), name, environment, service_type: type, host },
      ...{
        place:
          settings.type === 'hybrid'
            ? unitPlace(host, _id)
            : placeOn(host, this.own.targetOf(settings).placeOf(settings)),
        status: 'starting',
        release_id: null,
        deployment_id: null,
      },
      ...{ created_at, updated_at: created_at },
    };
  }

  private async outcomeOf(
    { _id, status, reason, release_id: id, suspended_in: suspended }: Deployment,
    signal: AbortSignal,
  ): Promise<StepOutcome> {
    if (status === 'cancelled' && signal.aborted) return { kind: 'aborted' };
    const why = reason ?? { code: 'deploy_failed', message: 'the deployment failed' };
    if (status === 'waiting' && suspended != null) {
      return { kind: 'suspended', reason: waitsWith(_id, why) };
    }
    // Somebody has cancelled the deployment, and not what it is a step of.
    if (status === 'cancelled') return { kind: 'failed', reason: why, isFinal: true };
    if (status !== 'success') return { kind: 'failed', reason: why };
    const release = id === null ? undefined : await this.store.release(id);
    return {
      kind: 'success',
      exitCode: 0,
      outputs: { deployment: _id, release: String(release?.number ?? '') },
    };
  }
}

/** Those of its releases that are containers. */
function containersOf(settings: DeploySettings): readonly ContainerSettings[] {
  const all = settings.type === 'hybrid' ? settings.parts.map((part) => part.settings) : [settings];
  return all.flatMap((one) => (one.type === 'docker_container' ? [one] : []));
}

/** One try of one step deploys once. */
function requestKey(
  { executionId, executionAttempt }: RunContext,
  { stage, step, attempt }: DeployRequest['address'],
): string {
  return JSON.stringify([executionId, executionAttempt, stage, step, attempt]);
}

/** Without what has become of it. */
function asAsked({
  turn: _turn,
  parts: _parts,
  is_armed: _armed,
  ...asked
}: Deployment): Omit<NewDeployment, 'parts' | 'is_armed'> {
  return asked;
}

/** Its worker was lost or stopped before the switch: nothing was said of it. */
function wasLost({ status, reason }: Deployment): boolean {
  const code = reason?.code ?? '';
  if (status === 'failed') return code === 'worker_lost';
  return status === 'cancelled' && code === 'interrupted';
}

function failedFor(reason: Reason): DeploymentEnd {
  return { status: 'failed', reason };
}

/** Why its step waits; whoever looks at the execution finds the deployment. */
function waitsWith(id: string, { code, message, data }: Reason): Reason {
  return { code, message, data: { ...data, waits_for: 'deployment', deployment_id: id } };
}
