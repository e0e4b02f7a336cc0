import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { quoted } from '../../common/values/redact-urls.js';
import { messageOf } from '../../common/values/error-message.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { causeOf } from '../../environments/approval.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { StepOutcome } from '../../engine/runtime/step-handler.js';
import type {
  ContainerDeploy,
  DeployAction,
  DirectoryDeploy,
  PartDeploy,
  RoutedDeploy,
  ServiceDeploy,
} from '../../engine/steps/deploy/deploy-action.js';
import { APPROVAL_TIMEOUT_MS } from '../../engine/steps/approval/approval-action.js';
import { isServiceName } from '../../engine/steps/deploy/service-name.js';
import {
  Deployer,
  type DeploymentBefore,
  type DeployLogin,
  type DeployFindings,
  type DeployRequest,
  type DeploySubject,
  type StepFiles,
  StepFilesError,
} from '../../executions/attempt/steps/deployer.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { WorkerLease } from '../../workers/worker-lease.js';
import {
  type ApprovedFiles,
  type CommonRoutedSettings,
  type ContainerSettings,
  type Deployment,
  type DeploySettings,
  type DirectorySettings,
  hostOf,
  isFinished,
  notBegun,
  placeOn,
  serviceIdOf,
  type ServiceSettings,
  sshOf,
  type SshPlace,
  type TargetSettings,
  type UnitPartSettings,
  unitPlace,
} from '../record/deployment.js';
import {
  DeploymentStore,
  type NewDeployment,
  type NewService,
  PlaceTakenError,
} from '../record/deployment-store.js';
import { DeploymentFencedError, type RunDeployment } from '../running/recorded-run.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import { OwnDeployments } from '../running/own-deployments.js';
import { type DeploymentEnd, SuspendedDeployments } from '../running/suspended-deployments.js';
import { SealedTexts, textOfIdentity } from '../record/sealed-texts.js';
import { DeployRefusedError, TargetAwayError } from '../targets/deploy-target.js';
import { filesDigest, onlyApproved } from './approved-files.js';

const RECOVERY_POLL_MS = 250;

/** Deploys what steps of this worker have made. */
@Injectable()
export class StepDeployments extends Deployer {
  constructor(
    private readonly store: DeploymentStore,
    private readonly own: OwnDeployments,
    private readonly lease: WorkerLease,
    private readonly sealed: SealedTexts,
    private readonly suspended: SuspendedDeployments,
  ) {
    super();
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
      const isAway = error instanceof TargetAwayError || isDatabaseUnavailable(error);
      if (error instanceof DeploymentFencedError || isAway) {
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
    for (const [what, name] of namesOf(subject))
      if (!isServiceName(name)) throw badName(what, name);
    const refusal = await this.own.gate.refusal(action.environment, causeOf(context));
    if (refusal !== undefined) throw new DeployRefusedError(refusal);
    refuseSameParts(subject);
    const known = await this.store.service(serviceIdOf(action.environment, action.service));
    if (known?.unit && known.release_id !== null) {
      throw new DeployRefusedError(deploymentReasons.partOfUnit(known));
    }
    const asked = this.newDeployment(request, await this.settingsOf(subject));
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
        files: () => this.filesOf(deployment, subject, signal),
      },
      ...{ tell, signal, ...(mask && { mask }) },
    });
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
      const problem = refusal ?? (await this.whyNotNow(current, request));
      const done = await this.own.during(id, async () => {
        if (problem !== undefined) return this.suspended.end(current, failedFor(problem));
        const taken = await this.store.take(current, this.lease.id);
        return taken && this.run(await this.moved(taken), request, signal);
      });
      if (done !== undefined) return done;
    }
  }

  /** Why what people were asked about is not deployed by this worker; undefined: it may be. */
  private async whyNotNow(
    deployment: Deployment,
    { subject, context }: DeployRequest,
  ): Promise<Reason | undefined> {
    const other = otherThanApproved(deployment, subject, context);
    if (other !== undefined) return deploymentReasons.otherThanApproved(other);
    // Nothing is fetched for what does not begin.
    if (deployment.cancel_requested_by !== null) return undefined;
    if ((await this.own.gate.look(deployment)).kind !== 'open') return undefined;
    for (const { service, found, settings } of partsOf(subject, deployment.settings)) {
      const brought = await found.bring?.();
      if (brought === undefined || settings.type !== 'docker_container') continue;
      if ('kind' in brought) return 'reason' in brought ? brought.reason : undefined;
      if (brought.image.id === settings.image_id) continue;
      const what = `the image ${settings.image} of ${service} is another one here`;
      return deploymentReasons.otherThanApproved(what);
    }
    return undefined;
  }

  /** It acts on the host of whoever continues with it. */
  private async moved(deployment: Deployment): Promise<Deployment> {
    const { _id: id, fence, settings } = deployment;
    const host = hostOf(settings, this.own.host);
    if (host === deployment.host) return deployment;
    if (!(await this.store.change({ id, fence }, { host }))) throw new DeploymentFencedError(id);
    return { ...deployment, host };
  }

  /** The deployment in the place of one that was lost: for each of them there is one. */
  private async successorOf(lost: Deployment, { executionAttempt }: RunContext): Promise<string> {
    const successor: NewDeployment = {
      ...{
        ...asAsked(lost),
        ...notBegun(lost.created_at),
        _id: uuidV7(),
        fence: 1,
        release_id: null,
      },
      ...{ request_key: `${lost.request_key}+`, worker_id: this.lease.id },
      ...{ status: 'waiting', reason: lost.reason, gate: 'closed', suspended_in: executionAttempt },
    };
    return (await this.store.accept(successor, this.newService(successor)))._id;
  }

  private async settingsOf(subject: DeploySubject): Promise<DeploySettings> {
    if (!('parts' in subject)) return this.targetSettings(subject.action, subject.found);
    const { type, keep } = subject.action;
    const parts: UnitPartSettings[] = [];
    for (const { action, needs, found } of subject.parts) {
      const settings = await this.targetSettings(action, found);
      parts.push({ service: action.service, needs, settings });
    }
    return { type, keep, parts };
  }

  private async targetSettings(action: PartDeploy, found: DeployFindings): Promise<TargetSettings> {
    switch (action.type) {
      case 'local_directory':
        return this.directorySettings(action, found);
      case 'docker_container':
        return this.containerSettings(action, found);
      case 'local_service':
        return this.serviceSettings(action, found);
    }
  }

  private async directorySettings(
    action: DirectoryDeploy,
    { login }: DeployFindings,
  ): Promise<DirectorySettings> {
    const { path, keep, exclude = [], shared = [], permissions = {} } = action;
    const ssh = await this.sshOf(action, login);
    const asWritten: DirectorySettings = {
      ...{ type: action.type, path, keep, exclude, shared, permissions },
      ...(ssh && { ssh }),
    };
    return { ...asWritten, path: this.own.targetOf(asWritten).placeOf(asWritten) };
  }

  private async containerSettings(
    action: ContainerDeploy,
    { container }: DeployFindings,
  ): Promise<ContainerSettings> {
    if (container === undefined) throw new Error('a deployment of no image');
    const { type, service, environment, keep, command, limits } = action;
    const { name: image, port, gate } = container;
    const service_id = serviceIdOf(environment, service);
    return {
      ...{ type, service_id, keep, image, image_id: container.image.id, port },
      ...(command && { command }),
      variables: await this.sealedVariables(service_id, container.variables),
      ...routedOf(action),
      ...{ gate, limits },
    };
  }

  private async serviceSettings(
    action: ServiceDeploy,
    { program }: DeployFindings,
  ): Promise<ServiceSettings> {
    if (program === undefined) throw new Error('a deployment of no program');
    const { type, service, environment, keep, exclude = [], portVariable } = action;
    const { memory, restart } = action;
    const service_id = serviceIdOf(environment, service);
    return {
      ...{ type, service_id, keep, exclude, command: program.command, port_variable: portVariable },
      ...(program.commandFrom !== undefined && { command_from: program.commandFrom }),
      variables: await this.sealedVariables(service_id, program.variables),
      ...routedOf(action),
      ...(memory !== undefined && { memory }),
      ...(restart && { restart }),
    };
  }

  private async sealedVariables(
    serviceId: string,
    variables: Readonly<Record<string, string>>,
  ): Promise<string> {
    const before = await this.servingSettings(serviceId);
    const kept = before && before.type !== 'local_directory' ? before.variables : undefined;
    return this.sealedOnce(JSON.stringify(variables), kept);
  }

  private async sshOf(
    { ssh, environment, service }: DirectoryDeploy,
    login: DeployLogin | undefined,
  ): Promise<SshPlace | undefined> {
    if (ssh === undefined) return undefined;
    if (login === undefined) throw new Error('a deployment by SSH without a key');
    const { host, port, user } = ssh;
    const before = await this.servingSettings(serviceIdOf(environment, service));
    const known = before && sshOf(before)?.identity;
    return { host, port, user, identity: await this.sealedOnce(textOfIdentity(login), known) };
  }

  private async servingSettings(serviceId: string): Promise<TargetSettings | undefined> {
    const id = (await this.store.service(serviceId))?.release_id;
    const release = id ? await this.store.release(id) : undefined;
    return release?.settings.type === 'hybrid' ? undefined : release?.settings;
  }

  /** What the release that serves has is not stored once more. @returns its id */
  private async sealedOnce(text: string, before: string | undefined): Promise<string> {
    if (before !== undefined && (await this.sealed.find(before)) === text) return before;
    return this.sealed.add(text);
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

function routedOf({
  secrets,
  published,
  gate,
  drainMs: drain,
  keepAssetsMs: keep_assets,
  beforeSwitch: before_switch,
  watchMs: watch,
  onFailure: on_failure,
  checks,
}: RoutedDeploy): Omit<CommonRoutedSettings, 'service_id' | 'keep' | 'variables'> {
  return {
    ...{ secrets, published, gate, drain },
    ...(keep_assets !== undefined && { keep_assets }),
    ...(before_switch !== undefined && { before_switch }),
    ...(watch !== undefined && { watch }),
    ...(on_failure && { on_failure }),
    ...(checks && { checks }),
  };
}

/** What a service holds, as its step says it. */
function placeNamed(action: DeployAction): string {
  if (action.type === 'hybrid') return action.service;
  if (action.type === 'local_directory') return action.path;
  const { published } = action;
  if ('domain' in published) return `${published.domain}${published.path ?? ''}`;
  return `port ${published.port ?? ''}`;
}

/** One try of one step deploys once. */
function requestKey(
  { executionId, executionAttempt }: RunContext,
  { stage, step, attempt }: DeployRequest['address'],
): string {
  return JSON.stringify([executionId, executionAttempt, stage, step, attempt]);
}

/** Names that expressions may have made. */
function namesOf(subject: DeploySubject): readonly (readonly [what: string, name: string])[] {
  const { service, environment } = subject.action;
  const parts = 'parts' in subject ? subject.parts : [];
  return [
    ['service', service],
    ['environment', environment],
    ...parts.map(({ action }) => ['part', action.service] as const),
  ];
}

/** Names that are different in the text may have become the same. @throws DeployRefusedError */
function refuseSameParts(subject: DeploySubject): void {
  if (!('parts' in subject)) return;
  const names = [subject.action, ...subject.parts.map(({ action }) => action)];
  if (new Set(names.map(({ service }) => service)).size === names.length) return;
  throw new DeployRefusedError(deploymentReasons.samePart());
}

/** @param approved what was put before people: nothing else is deployed */
function sourcesOf(
  subject: DeploySubject,
  approved: readonly ApprovedFiles[] = [],
): Pick<RunDeployment, 'source' | 'sources'> {
  const held = (service: string, found: DeployFindings): StepFiles => {
    const digest = approved.find((one) => one.service === service)?.digest;
    const files = sourceOf(found);
    return digest === undefined ? files : onlyApproved(files, digest);
  };
  if (!('parts' in subject)) return { source: held(subject.action.service, subject.found) };
  const { parts } = subject;
  return {
    sources: new Map(
      parts.map(({ action, found }) => [action.service, held(action.service, found)]),
    ),
  };
}

interface FoundPart {
  readonly service: string;
  readonly found: DeployFindings;
  readonly settings: TargetSettings;
}

/** What the step has found, with how it is deployed: of a unit, of each of its parts. */
function partsOf(subject: DeploySubject, settings: DeploySettings): readonly FoundPart[] {
  if (!('parts' in subject)) {
    const { action, found } = subject;
    return settings.type === 'hybrid' ? [] : [{ service: action.service, found, settings }];
  }
  const parts = settings.type === 'hybrid' ? settings.parts : [];
  return subject.parts.flatMap(({ action: { service }, found }) => {
    const own = parts.find((part) => part.service === service);
    return own ? [{ service, found, settings: own.settings }] : [];
  });
}

/** What is not as people were asked about it; undefined: nothing. Pure. */
function otherThanApproved(
  deployment: Deployment,
  subject: DeploySubject,
  context: RunContext,
): string | undefined {
  const { environment, service, type } = subject.action;
  const { commit, cause, settings } = deployment;
  if (environment !== deployment.environment) return `its environment is ${environment} now`;
  if (service !== deployment.service) return `its service is ${service} now`;
  if (type !== deployment.type) return `it is a ${type} now`;
  if ((context.trigger.commit ?? null) !== commit) return 'its commit is another one';
  if (causeOf(context).plan_hash !== cause?.plan_hash) return 'its plan is another one';
  const parts = 'parts' in subject ? subject.parts.length : 1;
  return partsOf(subject, settings).length === parts ? undefined : 'its parts are other ones';
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

function sourceOf({ files }: DeployFindings): StepFiles {
  return {
    packed: async (request, signal, work) => {
      try {
        return await files.packed(request, signal, work);
      } catch (error) {
        if (!(error instanceof StepFilesError)) throw error;
        throw new DeployRefusedError({ code: error.code, message: error.message });
      }
    },
  };
}

function badName(what: string, name: string): DeployRefusedError {
  const message = `"${quoted(name, 80)}" is no name of a ${what}: use at most 63 small letters, digits and hyphens`;
  return new DeployRefusedError({ code: 'name_invalid', message });
}
