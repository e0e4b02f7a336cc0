import { type FactoryProvider, Logger, Module } from '@nestjs/common';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Installation } from '../common/installation.js';
import { AddressPolicy } from '../common/net/address-policy.js';
import { engineElsewhere } from '../config/container-engine.js';
import { readEnvironment } from '../config/environment.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { PROGRAM_ACCOUNT, serviceUser, type ServiceUser } from '../embedded/system/service-user.js';
import { normalRegistry } from '../engine/steps/container/image-name.js';
import { ArtifactsRepository } from '../executions/artifacts/artifacts.repository.js';
import { ExecutionsModule } from '../executions/executions.module.js';
import { ExecutionsRepository } from '../executions/record/executions.repository.js';
import { Deployer } from '../executions/attempt/steps/deployer.js';
import { ServiceFinder } from '../executions/attempt/steps/service-finder.js';
import { ContainerRuntime } from '../integrations/container-runtime/container-runtime.js';
import { ObjectStore } from '../integrations/object-store/object-store.js';
import { DockerServiceContainers } from '../integrations/container-runtime/docker-service-containers.js';
import { LocalServices } from '../integrations/local-services/local-services.js';
import { ServiceContainers } from '../integrations/container-runtime/service-containers.js';
import { ReverseProxy } from '../integrations/reverse-proxy/reverse-proxy.js';
import { Ssh2Client } from '../integrations/ssh/ssh2-client.js';
import { Leases } from '../leases/leases.js';
import { LeasesModule } from '../leases/leases.module.js';
import { PortLeases } from '../ports/port-leases.js';
import { FailureRecords } from '../service-registry/failures/failure-records.js';
import { DeployedServices } from '../service-registry/deployed-services.js';
import { InstanceLogs } from '../service-registry/logs/instance-logs.js';
import { InstanceProber } from '../service-registry/probing/prober.js';
import { ServiceStore } from '../service-registry/record/service-store.js';
import { ServiceRegistryModule } from '../service-registry/service-registry.module.js';
import { PortsModule } from '../ports/ports.module.js';
import { WorkersModule } from '../workers/workers.module.js';
import { WorkersWorkerModule } from '../workers/workers.worker.module.js';
import { DeploymentsModule } from './deployments.module.js';
import { DirectFiles } from './running/direct-files.js';
import { DirectImages } from './running/direct-images.js';
import { DirectSources } from './running/direct-sources.js';
import { DeploymentStore } from './record/deployment-store.js';
import { SealedTexts } from './record/sealed-texts.js';
import { DeployedRoutes } from './routes/deployed-routes.js';
import { ProxyRoutes } from './routes/proxy-routes.js';
import { ProxyRoutesModule } from './routes/proxy-routes.module.js';
import { DeploymentsProcessor } from './running/deployments.processor.js';
import { InstanceTurns } from './running/instance-turns.js';
import { InstanceUpkeep } from './running/instance-upkeep.js';
import { DeployedLogs } from './running/deployed-logs.js';
import { DeployedInstances } from './running/deployed-instances.js';
import { OwnDeployments } from './running/own-deployments.js';
import { SuspendedDeployments } from './running/suspended-deployments.js';
import { SealedTextsUpkeep } from './running/sealed-texts-upkeep.js';
import { ServiceFailures } from './running/service-failures.js';
import { DiscoveredServices } from './steps/discovered-services.js';
import { StepDeployments } from './steps/step-deployments.js';
import type { PlacedRelease } from './targets/deploy-target.js';
import { DeployTargets } from './targets/deploy-targets.js';
import { DockerContainerTarget } from './targets/docker-container/docker-container.target.js';
import { WaitingImages } from './targets/docker-container/waiting-images.js';
import { DeployFolders } from './targets/local-directory/deploy-folders.js';
import { LocalDirectoryTarget } from './targets/local-directory/local-directory.target.js';
import { LocalServiceTarget } from './targets/local-service/local-service.target.js';
import { LocalServicesModule } from './targets/local-service/local-services.module.js';
import { ServiceReleases } from './targets/local-service/service-releases.js';
import { RoutedTargets } from './targets/routed-targets.js';
import type { RoutedParts, RoutedTarget } from './targets/routed.target.js';
import type { RoutedSettings } from './record/deployment.js';
import { SshDirectoryTarget } from './targets/ssh-directory/ssh-directory.target.js';

/** What all targets have whose releases are programs. */
const ROUTED = Symbol('RoutedParts');

/** Whom programs of this host run as, made where it is missing; undefined: as the server. */
function programUser(): Promise<ServiceUser | undefined> {
  const logger = new Logger('LocalServices');
  return serviceUser(PROGRAM_ACCOUNT, readEnvironment(), (line) => logger.log(line));
}

/** Keeps the instances of a target; each has rounds of its own, and none waits for another. */
function upkeepOf(
  target: new (...parts: never[]) => RoutedTarget<RoutedSettings>,
): FactoryProvider<InstanceUpkeep> {
  return {
    provide: `InstanceUpkeep of ${target.name}`,
    inject: [DeploymentStore, target, Leases, InstanceTurns],
    useFactory: (
      store: DeploymentStore,
      target: RoutedTarget<RoutedSettings>,
      leases: Leases,
      turns: InstanceTurns,
    ) => {
      const { instances, runner } = target;
      const remove = (release: PlacedRelease<RoutedSettings>): Promise<void> =>
        target.remove(release);
      const host = hostname();
      return new InstanceUpkeep({ store, instances, runner, leases, turns, host, remove });
    },
  };
}

/** A worker does the deployments of its host: those of its steps, and those that are asked for. */
@Module({
  imports: [
    DeploymentsModule,
    ExecutionsModule,
    LeasesModule,
    LocalServicesModule,
    PortsModule,
    ServiceRegistryModule,
    ProxyRoutesModule.forRootAsync({
      imports: [DeploymentsModule, PortsModule],
      inject: [DeploymentStore, PortLeases],
      useFactory: (store: DeploymentStore, ports: PortLeases) => new DeployedRoutes(store, ports),
    }),
    WorkersModule,
    WorkersWorkerModule,
  ],
  providers: [
    {
      provide: ServiceContainers,
      inject: [MillraceConfig, Installation],
      useFactory: ({ dockerHost: host }: MillraceConfig, installation: Installation) =>
        new DockerServiceContainers({
          ...{ host, installation: () => installation.id(), hostName: hostname() },
        }),
    },
    {
      provide: LocalDirectoryTarget,
      inject: [MillraceConfig, Installation],
      useFactory: ({ home, deployFolders }: MillraceConfig, installation: Installation) => {
        const [first = join(home, 'deployed'), ...more] = deployFolders ?? [];
        return new LocalDirectoryTarget(
          new DeployFolders([first, ...more]),
          installation,
          join(home, 'promotions'),
        );
      },
    },
    {
      provide: SshDirectoryTarget,
      inject: [MillraceConfig, DeploymentStore, SealedTexts],
      useFactory: (config: MillraceConfig, store: DeploymentStore, sealed: SealedTexts) => {
        const client = new Ssh2Client(new AddressPolicy(config.allowPrivateUrls));
        return new SshDirectoryTarget(client, sealed, store);
      },
    },
    {
      provide: ROUTED,
      inject: [ReverseProxy, ProxyRoutes, PortLeases, SealedTexts],
      useFactory: (
        proxy: ReverseProxy,
        routes: ProxyRoutes,
        ports: PortLeases,
        sealed: SealedTexts,
      ): RoutedParts => ({ proxy, routes, ports, sealed, host: hostname() }),
    },
    {
      provide: DockerContainerTarget,
      inject: [ROUTED, ServiceContainers, MillraceConfig],
      useFactory: (
        routed: RoutedParts,
        containers: ServiceContainers,
        { dockerHost }: MillraceConfig,
      ) =>
        new DockerContainerTarget({
          ...{ ...routed, containers },
          engineElsewhere: engineElsewhere(dockerHost),
        }),
    },
    {
      provide: LocalServiceTarget,
      inject: [ROUTED, LocalServices, MillraceConfig],
      useFactory: (routed: RoutedParts, services: LocalServices, { home }: MillraceConfig) =>
        new LocalServiceTarget({
          ...{ ...routed, services },
          releases: new ServiceReleases(home, programUser),
        }),
    },
    {
      provide: DeployTargets,
      inject: [LocalDirectoryTarget, DockerContainerTarget, LocalServiceTarget, SshDirectoryTarget],
      useFactory: (
        folders: LocalDirectoryTarget,
        containers: DockerContainerTarget,
        services: LocalServiceTarget,
        ssh: SshDirectoryTarget,
      ) =>
        new DeployTargets(
          { local_directory: folders, docker_container: containers, local_service: services },
          ssh,
        ),
    },
    {
      provide: RoutedTargets,
      inject: [DockerContainerTarget, LocalServiceTarget],
      useFactory: (containers: DockerContainerTarget, services: LocalServiceTarget) =>
        new RoutedTargets({ docker_container: containers, local_service: services }),
    },
    {
      provide: InstanceProber,
      inject: [DeploymentStore, RoutedTargets],
      useFactory: (store: DeploymentStore, targets: RoutedTargets) =>
        new DeployedInstances(store, targets, hostname()),
    },
    {
      provide: InstanceLogs,
      inject: [DeploymentStore, RoutedTargets],
      useFactory: (store: DeploymentStore, targets: RoutedTargets) =>
        new DeployedLogs(store, targets, hostname()),
    },
    upkeepOf(DockerContainerTarget),
    upkeepOf(LocalServiceTarget),
    InstanceTurns,
    {
      provide: WaitingImages,
      inject: [ServiceContainers, ExecutionsRepository, DeploymentStore],
      useFactory: (
        containers: ServiceContainers,
        executions: ExecutionsRepository,
        store: DeploymentStore,
      ) => new WaitingImages(containers, executions, store),
    },
    {
      provide: ServiceFailures,
      inject: [DeploymentStore, ServiceStore, FailureRecords, Leases],
      useFactory: (
        store: DeploymentStore,
        watched: ServiceStore,
        records: FailureRecords,
        leases: Leases,
      ) => new ServiceFailures({ store, watched, records, leases, host: hostname() }),
    },
    {
      provide: DirectSources,
      inject: [ContainerRuntime, ArtifactsRepository, ObjectStore, DeploymentStore, MillraceConfig],
      useFactory: (
        runtime: ContainerRuntime,
        artifacts: ArtifactsRepository,
        objects: ObjectStore,
        store: DeploymentStore,
        { home, registries }: MillraceConfig,
      ) =>
        new DirectSources(
          new DirectImages(runtime, registries?.map(normalRegistry)),
          new DirectFiles(artifacts, objects, store, join(home, 'direct')),
        ),
    },
    OwnDeployments,
    SuspendedDeployments,
    SealedTextsUpkeep,
    DeploymentsProcessor,
    {
      provide: ServiceFinder,
      inject: [ServiceStore, DeployedServices],
      useFactory: (store: ServiceStore, deployed: DeployedServices) =>
        new DiscoveredServices(store, deployed, hostname()),
    },
    { provide: Deployer, useClass: StepDeployments },
  ],
  exports: [Deployer, InstanceLogs, InstanceProber, ServiceFinder],
})
export class DeploymentsWorkerModule {}
