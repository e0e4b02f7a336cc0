import { Injectable } from '@nestjs/common';
import { quoted } from '../../common/values/redact-urls.js';
import { messageOf } from '../../common/values/error-message.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { causeOf } from '../../environments/approval.js';
import type { RunContext } from '../../engine/plan/plan.js';
import type { StepOutcome } from '../../engine/runtime/step-handler.js';
import type {
  ContainerDeploy,
  DeployAction,
  DirectoryDeploy,
  PartDeploy,
  RoutedDeploy,
  ServiceDeploy,
} from '../../engine/steps/deploy/deploy-action.js';
import { isServiceName } from '../../engine/steps/deploy/service-name.js';
import {
  Deployer,
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
  type CommonRoutedSettings,
  type ContainerSettings,
  type Deployment,
  type DeploySettings,
  type DirectorySettings,
  hostOf,
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
import { SealedTexts, textOfIdentity } from '../record/sealed-texts.js';
import { DeployRefusedError, TargetAwayError } from '../targets/deploy-target.js';

/** Deploys what steps of this worker have made. */
@Injectable()
export class StepDeployments extends Deployer {
  constructor(
    private readonly store: DeploymentStore,
    private readonly own: OwnDeployments,
    private readonly lease: WorkerLease,
    private readonly sealed: SealedTexts,
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
    const { subject, context, tell, mask } = request;
    const { action } = subject;
    if (context.trigger.fork === true) throw new DeployRefusedError(deploymentReasons.fork());
    for (const [what, name] of namesOf(subject))
      if (!isServiceName(name)) throw badName(what, name);
    const refusal = await this.own.gate.refusal(action.environment, causeOf(context));
    if (refusal !== undefined) throw new DeployRefusedError(refusal);
    const sources = sourcesOf(subject);
    const known = await this.store.service(serviceIdOf(action.environment, action.service));
    if (known?.unit && known.release_id !== null) {
      throw new DeployRefusedError(deploymentReasons.partOfUnit(known));
    }
    const asked = this.newDeployment(request, await this.settingsOf(subject));
    return this.own.during(asked._id, async () => {
      const accepted = await this.store.accept(asked, this.newService(asked));
      const { _id: id, environment, service } = accepted;
      request.accepted({ id, environment, service });
      tell(`deployment ${id} of ${accepted.service_id}`);
      const ended = await this.own.run(accepted, {
        ...sources,
        datedBy: context.trigger.rerun_of ?? context.executionId,
        mayBeOlder: action.allowOlder === true,
        ...{ tell, signal, ...(mask && { mask }) },
      });
      return this.outcomeOf(ended);
    });
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

  private async outcomeOf({
    _id,
    status,
    reason,
    release_id: id,
  }: Deployment): Promise<StepOutcome> {
    if (status === 'cancelled') return { kind: 'aborted' };
    const why = reason ?? { code: 'deploy_failed', message: 'the deployment failed' };
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
  checks,
}: RoutedDeploy): Omit<CommonRoutedSettings, 'service_id' | 'keep' | 'variables'> {
  return {
    ...{ secrets, published, gate, drain },
    ...(keep_assets !== undefined && { keep_assets }),
    ...(before_switch !== undefined && { before_switch }),
    ...(watch !== undefined && { watch }),
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

function sourcesOf(subject: DeploySubject): Pick<RunDeployment, 'source' | 'sources'> {
  if (!('parts' in subject)) return { source: sourceOf(subject.found) };
  const { action, parts } = subject;
  const sources = new Map(parts.map((part) => [part.action.service, sourceOf(part.found)]));
  // Names that are different in the text may have become the same.
  if (sources.size < parts.length || sources.has(action.service)) {
    throw new DeployRefusedError(deploymentReasons.samePart());
  }
  return { sources };
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
