import {
  Global,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { Installation } from '../../common/installation.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { entryFile, workspacesFolder } from '../../config/paths.js';
import { ContainerRuntime } from './container-runtime.js';
import type { ContainerSupport } from './container-support.js';
import { EngineProver } from './engine-prover.js';
import { EngineUpkeep } from './engine-upkeep.js';
import { EngineWatch } from './engine-watch.js';
import { FolderGiver } from './folder-giver.js';
import { ImageBuilder } from './image-builder.js';
import { WatchedBuilder, WatchedGiver, WatchedRuntime } from './watched-engine.js';

const logger = new Logger('ContainerRuntime');

/**
 * Global: gives a worker `EngineWatch`, and `ContainerRuntime`, `ImageBuilder` and `FolderGiver` on
 * the engine that is there at the time. What a dead worker of this machine left on an engine is
 * removed before anything is started on it.
 */
@Global()
@Module({
  providers: [
    {
      provide: EngineProver,
      inject: [MillraceConfig, Installation],
      useFactory: (
        { home, dockerHost, containerCapabilities }: MillraceConfig,
        installation: Installation,
      ) =>
        new EngineProver({
          host: dockerHost,
          capabilities: containerCapabilities,
          workspaces: workspacesFolder(home),
          stepsAreOtherUser: true,
          giveTree: entryFile('workspaces/give-tree'),
          installation: () => installation.id(),
          report: (what, error) => logger.warn({ err: error }, what),
        }),
    },
    {
      provide: EngineUpkeep,
      inject: [MillraceConfig],
      useFactory: ({ imageDays: days, maxImagesSize: maxBytes }: MillraceConfig) =>
        new EngineUpkeep({ days, maxBytes }),
    },
    {
      provide: EngineWatch,
      inject: [EngineProver, EngineUpkeep],
      useFactory: async (prover: EngineProver, upkeep: EngineUpkeep): Promise<EngineWatch> => {
        const watch = new EngineWatch(prover, {
          prepare: ({ runtime }) => upkeep.begin(runtime, prover.cleaner),
        });
        await watch.look();
        return watch;
      },
    },
    {
      provide: ContainerRuntime,
      inject: [EngineWatch],
      useFactory: (watch: EngineWatch) => new WatchedRuntime(watch),
    },
    {
      provide: ImageBuilder,
      inject: [EngineWatch],
      useFactory: (watch: EngineWatch) => new WatchedBuilder(watch),
    },
    {
      provide: FolderGiver,
      inject: [EngineWatch],
      useFactory: (watch: EngineWatch) => new WatchedGiver(watch),
    },
  ],
  exports: [ContainerRuntime, ImageBuilder, EngineWatch, FolderGiver],
})
export class ContainerRuntimeModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly watch: EngineWatch,
    private readonly prover: EngineProver,
    private readonly upkeep: EngineUpkeep,
  ) {}

  onModuleInit(): void {
    tell(this.watch.support, 'log');
    this.watch.whenChanged(() => tell(this.watch.support, 'warn'));
    this.watch.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.watch.stop();
    await this.upkeep.stop();
    await this.prover.close();
  }
}

/** @param absent how loud it is that there is no engine: one that was there is missed */
function tell(support: ContainerSupport, absent: 'log' | 'warn'): void {
  const { engine, reason = '', hostReachable, socketShared, builder, builderReason = '' } = support;
  if (engine === undefined) {
    logger[absent](`no steps in containers: ${reason}`);
    return;
  }
  logger.log(`steps in containers by ${engine}`);
  if (socketShared !== undefined) logger.warn(socketShared);
  if (hostReachable !== undefined) {
    logger.warn(`containers may reach this machine: ${hostReachable}`);
  }
  logger.log(builder ? `images are built by ${builder}` : `no images are built: ${builderReason}`);
}
