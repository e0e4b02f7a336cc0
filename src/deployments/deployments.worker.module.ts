import { Module } from '@nestjs/common';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Installation } from '../common/installation.js';
import { AddressPolicy } from '../common/net/address-policy.js';
import { engineElsewhere } from '../config/container-engine.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { Deployer } from '../executions/attempt/steps/deployer.js';
import { DockerServiceContainers } from '../integrations/container-runtime/docker-service-containers.js';
import { ServiceContainers } from '../integrations/container-runtime/service-containers.js';
import { ReverseProxy } from '../integrations/reverse-proxy/reverse-proxy.js';
import { Ssh2Client } from '../integrations/ssh/ssh2-client.js';
import { Leases } from '../leases/leases.js';
import { LeasesModule } from '../leases/leases.module.js';
import { PortLeases } from '../ports/port-leases.js';
import { PortsModule } from '../ports/ports.module.js';
import { WorkersModule } from '../workers/workers.module.js';
import { WorkersWorkerModule } from '../workers/workers.worker.module.js';
import { DeploymentsModule } from './deployments.module.js';
import { DeploymentStore } from './record/deployment-store.js';
import { SealedTexts } from './record/sealed-texts.js';
import { DeployedRoutes } from './routes/deployed-routes.js';
import { ProxyRoutes } from './routes/proxy-routes.js';
import { ProxyRoutesModule } from './routes/proxy-routes.module.js';
import { ContainerUpkeep } from './running/container-upkeep.js';
import { DeploymentsProcessor } from './running/deployments.processor.js';
import { OwnDeployments } from './running/own-deployments.js';
import { SealedTextsUpkeep } from './running/sealed-texts-upkeep.js';
import { StepDeployments } from './steps/step-deployments.js';
import { DeployTargets } from './targets/deploy-targets.js';
import { DockerContainerTarget } from './targets/docker-container/docker-container.target.js';
import { DeployFolders } from './targets/local-directory/deploy-folders.js';
import { LocalDirectoryTarget } from './targets/local-directory/local-directory.target.js';
import { SshDirectoryTarget } from './targets/ssh-directory/ssh-directory.target.js';

/** A worker does the deployments of its host: those of its steps, and those that are asked for. */
@Module({
  imports: [
    DeploymentsModule,
    LeasesModule,
    PortsModule,
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
      provide: DockerContainerTarget,
      inject: [
        ...[ServiceContainers, ReverseProxy, ProxyRoutes, PortLeases, SealedTexts],
        MillraceConfig,
      ],
      useFactory: (
        containers: ServiceContainers,
        proxy: ReverseProxy,
        routes: ProxyRoutes,
        ports: PortLeases,
        sealed: SealedTexts,
        { dockerHost }: MillraceConfig,
      ) =>
        new DockerContainerTarget({
          ...{ containers, proxy, routes, ports, sealed, host: hostname() },
          engineElsewhere: engineElsewhere(dockerHost),
        }),
    },
    {
      provide: DeployTargets,
      inject: [LocalDirectoryTarget, DockerContainerTarget, SshDirectoryTarget],
      useFactory: (
        folders: LocalDirectoryTarget,
        containers: DockerContainerTarget,
        ssh: SshDirectoryTarget,
      ) => new DeployTargets({ local_directory: folders, docker_container: containers }, ssh),
    },
    {
      provide: ContainerUpkeep,
      inject: [DeploymentStore, ServiceContainers, DockerContainerTarget, Leases],
      useFactory: (
        store: DeploymentStore,
        containers: ServiceContainers,
        { runner }: DockerContainerTarget,
        leases: Leases,
      ) => new ContainerUpkeep({ ...{ store, containers, runner, leases, host: hostname() } }),
    },
    OwnDeployments,
    SealedTextsUpkeep,
    DeploymentsProcessor,
    { provide: Deployer, useClass: StepDeployments },
  ],
  exports: [Deployer],
})
export class DeploymentsWorkerModule {}
