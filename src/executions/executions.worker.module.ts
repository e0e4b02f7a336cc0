import {
  Logger,
  type DynamicModule,
  Module,
  type Type,
  type BeforeApplicationShutdown,
  type Provider,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Metrics } from '../common/metrics/metrics.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { normalRegistry } from '../engine/steps/container/image-name.js';
import { ContainerRuntime } from '../integrations/container-runtime/container-runtime.js';
import { ImageBuilder } from '../integrations/container-runtime/image-builder.js';
import { GitClient } from '../integrations/git/git-client.js';
import { ProcessGroups } from '../integrations/process/process-groups.js';
import { ProcessRunner } from '../integrations/process/process-runner.js';
import { PipelinesModule } from '../pipelines/pipelines.module.js';
import { RepositoriesModule } from '../repositories/repositories.module.js';
import { WorkersWorkerModule } from '../workers/workers.worker.module.js';
import { WorkspaceStore } from '../workspaces/workspace-store.js';
import { WorkspacesModule } from '../workspaces/workspaces.module.js';
import { CacheStore } from './caches/cache-store.js';
import { CachesRepository } from './caches/caches.repository.js';
import { ArtifactKeeper } from './artifacts/artifact-keeper.js';
import { StoredArtifactSources } from './artifacts/stored-artifact-sources.js';
import { TestReportsRepository } from './reports/test-reports.repository.js';
import { ArtifactsRepository } from './artifacts/artifacts.repository.js';
import { ObjectStore } from '../integrations/object-store/object-store.js';
import { AttemptLogs } from './attempt/attempt-logs.js';
import { ExecutionAttempts } from './attempt/execution-attempts.js';
import { ExecutionRunner } from './attempt/execution-runner.js';
import { ExecutionsProcessor } from './attempt/executions.processor.js';
import { LeftContainers } from './attempt/left-containers.js';
import { LeftFolders } from './attempt/left-folders.js';
import { PlanRuns } from './attempt/plan-runs.js';
import { RunningAttempts } from './attempt/running-attempts.js';
import { RunSecrets } from './attempt/run-secrets.js';
import { Deployer } from './attempt/steps/deployer.js';
import { DeployHints } from './attempt/steps/deploy-hints.js';
import { ServiceFinder } from './attempt/steps/service-finder.js';
import { StartCommands } from './attempt/steps/start-commands.js';
import { createStepHandlers, StepHandlers } from './attempt/steps/step-handlers.js';
import { WorkspaceSnapshots } from './suspension/workspace-snapshots.js';
import { ExecutionsModule } from './executions.module.js';
import { ExecutionsRepository } from './record/executions.repository.js';

/** How a worker runs plans; `millrace run` and the scenarios make the same without Nest. */
const planRunsProviders: Provider[] = [
  {
    provide: StepHandlers,
    inject: [
      ...[ProcessRunner, GitClient, WorkspaceStore, ContainerRuntime, ImageBuilder, Metrics],
      ...[MillraceConfig, Deployer, StartCommands, DeployHints],
    ],
    useFactory: (
      processes: ProcessRunner,
      git: GitClient,
      workspaces: WorkspaceStore,
      containers: ContainerRuntime,
      builder: ImageBuilder,
      metrics: Metrics,
      { registries }: MillraceConfig,
      deployer: Deployer,
      starts: StartCommands,
      hints: DeployHints,
    ) =>
      createStepHandlers({
        ...{ processes, git, workspaces, containers, builder, deployer, starts, hints },
        registries: registries?.map(normalRegistry),
      }).measuredBy(metrics),
  },
  {
    provide: PlanRuns,
    inject: [
      ...[ProcessRunner, WorkspaceStore, StepHandlers, ProcessGroups, ContainerRuntime],
      ...[ArtifactKeeper, ObjectStore, StoredArtifactSources, TestReportsRepository],
      ...[CacheStore, MillraceConfig, ServiceFinder],
    ],
    useFactory: (
      processes: ProcessRunner,
      workspaces: WorkspaceStore,
      handlers: StepHandlers,
      groups: ProcessGroups,
      containers: ContainerRuntime,
      artifacts: ArtifactKeeper,
      objects: ObjectStore,
      sources: StoredArtifactSources,
      reports: TestReportsRepository,
      caches: CacheStore,
      { workerMaxParallelSteps: maxParallelSteps }: MillraceConfig,
      services: ServiceFinder,
    ) =>
      new PlanRuns({
        ...{ processes, workspaces, handlers, groups, containers, maxParallelSteps },
        ...{ artifacts, objects, sources, reports, caches, services },
      }),
  },
  StoredArtifactSources,
  {
    provide: CacheStore,
    inject: [ObjectStore, CachesRepository, MillraceConfig],
    useFactory: (
      objects: ObjectStore,
      caches: CachesRepository,
      { maxCacheSize }: MillraceConfig,
    ) => new CacheStore(objects, caches, maxCacheSize),
  },
  {
    provide: ArtifactKeeper,
    inject: [ObjectStore, ArtifactsRepository, MillraceConfig],
    useFactory: (
      objects: ObjectStore,
      artifacts: ArtifactsRepository,
      { maxArtifactsSize }: MillraceConfig,
    ) => new ArtifactKeeper(objects, artifacts, maxArtifactsSize),
  },
  {
    provide: WorkspaceSnapshots,
    inject: [ObjectStore, WorkspaceStore, MillraceConfig],
    useFactory: (
      objects: ObjectStore,
      workspaces: WorkspaceStore,
      { maxWorkspaceSize }: MillraceConfig,
    ) => new WorkspaceSnapshots(objects, workspaces, maxWorkspaceSize),
  },
  {
    provide: LeftFolders,
    inject: [WorkspaceStore, RunningAttempts, ExecutionsRepository],
    useFactory: (
      workspaces: WorkspaceStore,
      running: RunningAttempts,
      executions: ExecutionsRepository,
    ) => new LeftFolders(workspaces, running, executions, new Logger(LeftFolders.name)),
  },
  {
    provide: LeftContainers,
    inject: [ContainerRuntime, RunningAttempts, ExecutionsRepository],
    useFactory: (
      containers: ContainerRuntime,
      running: RunningAttempts,
      executions: ExecutionsRepository,
    ) =>
      new LeftContainers(
        ...([containers, running, executions] as const),
        new Logger(LeftContainers.name),
      ),
  },
];

/**
 * Executions as a worker has them: it takes jobs once everything is up, and drains before anything
 * is closed. Needs `ProcessModule` and `GitModule`.
 */
@Module({
  imports: [
    ExecutionsModule,
    PipelinesModule,
    RepositoriesModule,
    WorkersWorkerModule,
    WorkspacesModule,
  ],
  providers: [
    ...planRunsProviders,
    AttemptLogs,
    ExecutionAttempts,
    ExecutionRunner,
    ExecutionsProcessor,
    RunningAttempts,
    RunSecrets,
  ],
})
export class ExecutionsWorkerModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly processor: ExecutionsProcessor) {}

  /** @param modules export the `Deployer`, the `StartCommands` and the `DeployHints` */
  static deployingBy(...modules: readonly Type[]): DynamicModule {
    return { module: ExecutionsWorkerModule, imports: [...modules] };
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.processor.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.processor.stop();
  }
}
