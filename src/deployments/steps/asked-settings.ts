import type {
  ContainerDeploy,
  DirectoryDeploy,
  PartDeploy,
  RoutedDeploy,
  ServiceDeploy,
} from '../../engine/steps/deploy/deploy-action.js';
import type {
  DeployFindings,
  DeployLogin,
  DeploySubject,
} from '../../executions/attempt/steps/deployer.js';
import {
  type CommonRoutedSettings,
  type ContainerSettings,
  type DeploySettings,
  type DirectorySettings,
  serviceIdOf,
  type ServiceSettings,
  sshOf,
  type SshPlace,
  type TargetSettings,
  type UnitPartSettings,
} from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { type SealedTexts, textOfIdentity } from '../record/sealed-texts.js';

/** How a release is made and run, of what its step asks for and has found. */
export class AskedSettings {
  constructor(
    private readonly store: DeploymentStore,
    private readonly sealed: SealedTexts,
    /** The folder of settings, whole where that is known here. */
    private readonly placeOf: (settings: DirectorySettings) => string,
  ) {}

  /** Stores the values of variables and keys sealed. Rejects when the store is away. */
  async of(subject: DeploySubject): Promise<DeploySettings> {
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
    return { ...asWritten, path: this.placeOf(asWritten) };
  }

  private async containerSettings(
    action: ContainerDeploy,
    { container, taken }: DeployFindings,
  ): Promise<ContainerSettings> {
    if (container === undefined) throw new Error('a deployment of no image');
    const { type, service, environment, keep, command, limits } = action;
    const { name: image, port, gate } = container;
    const service_id = serviceIdOf(environment, service);
    return {
      ...{ type, service_id, keep, image, image_id: container.image.id, port },
      ...(command && { command }),
      variables: await this.sealedVariables(service_id, container.variables),
      ...{ ...routedOf(action), ...takenBy(action, taken) },
      ...{ gate, limits },
    };
  }

  private async serviceSettings(
    action: ServiceDeploy,
    { program, taken }: DeployFindings,
  ): Promise<ServiceSettings> {
    if (program === undefined) throw new Error('a deployment of no program');
    const { type, service, environment, keep, exclude = [], portVariable } = action;
    const { memory } = action;
    const service_id = serviceIdOf(environment, service);
    return {
      ...{ type, service_id, keep, exclude, command: program.command, port_variable: portVariable },
      ...(program.commandFrom !== undefined && { command_from: program.commandFrom }),
      variables: await this.sealedVariables(service_id, program.variables),
      ...{ ...routedOf(action), ...takenBy(action, taken) },
      ...(memory !== undefined && { memory }),
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
}

/** Those of the run that the release has. */
function takenBy(
  { secrets: names }: RoutedDeploy,
  taken: DeployFindings['taken'],
): Pick<CommonRoutedSettings, 'taken'> {
  return taken === undefined ? {} : { taken: taken.filter(({ name }) => names.includes(name)) };
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
  restart,
  checks,
}: RoutedDeploy): Omit<CommonRoutedSettings, 'service_id' | 'keep' | 'variables'> {
  return {
    ...{ secrets, published, gate, drain },
    ...(keep_assets !== undefined && { keep_assets }),
    ...(before_switch !== undefined && { before_switch }),
    ...(watch !== undefined && { watch }),
    ...(on_failure && { on_failure }),
    ...(restart && { restart }),
    ...(checks && { checks }),
  };
}
