import {
  Global,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { entryFile, installationName, workspacesFolder } from '../../config/paths.js';
import { chooseRuntime, type RuntimeChoice } from './choose-runtime.js';
import { ContainerRuntime } from './container-runtime.js';
import { ContainerSupport } from './container-support.js';
import { ImageCleaning } from './image-cleaning.js';
import { FolderGiver } from './folder-giver.js';
import { ImageBuilder } from './image-builder.js';

const CHOICE = Symbol('RuntimeChoice');
const logger = new Logger('ContainerRuntime');

/**
 * Global: gives a worker `ContainerRuntime`, `ImageBuilder` and `ContainerSupport`. What a dead
 * worker of this machine left on the engine is removed before anything is started.
 */
@Global()
@Module({
  providers: [
    {
      provide: CHOICE,
      inject: [MillraceConfig],
      useFactory: ({
        home,
        dockerHost,
        containerCapabilities,
      }: MillraceConfig): Promise<RuntimeChoice> =>
        chooseRuntime({
          host: dockerHost,
          capabilities: containerCapabilities,
          workspaces: workspacesFolder(home),
          stepsAreOtherUser: true,
          giveTree: entryFile('workspaces/give-tree'),
          installation: installationName(home),
          report: (what, error) => logger.warn({ err: error }, what),
        }),
    },
    {
      provide: ContainerRuntime,
      inject: [CHOICE],
      useFactory: ({ runtime }: RuntimeChoice) => runtime,
    },
    {
      provide: ImageBuilder,
      inject: [CHOICE],
      useFactory: ({ builder }: RuntimeChoice) => builder,
    },
    {
      provide: FolderGiver,
      inject: [CHOICE],
      useFactory: ({ giver }: RuntimeChoice) => giver,
    },
    {
      provide: ContainerSupport,
      inject: [CHOICE],
      useFactory: ({ support }: RuntimeChoice) => support,
    },
  ],
  exports: [ContainerRuntime, ImageBuilder, ContainerSupport, FolderGiver],
})
export class ContainerRuntimeModule implements OnModuleInit, OnApplicationShutdown {
  private readonly cleaning: ImageCleaning | undefined;

  constructor(
    @Inject(CHOICE) private readonly choice: RuntimeChoice,
    { imageDays: days, maxImagesSize: maxBytes }: MillraceConfig,
  ) {
    const { cleaner } = choice;
    this.cleaning = cleaner && new ImageCleaning(cleaner, { days, maxBytes });
  }

  async onModuleInit(): Promise<void> {
    const { runtime, support } = this.choice;
    const { engine, reason } = support;
    if (engine === undefined) {
      logger.log(`no steps in containers: ${reason ?? ''}`);
      return;
    }
    logger.log(`steps in containers by ${engine}`);
    const { hostReachable, socketShared } = support;
    if (socketShared !== undefined) logger.warn(socketShared);
    if (hostReachable !== undefined) {
      logger.warn(`containers may reach this machine: ${hostReachable}`);
    }
    const { builder, builderReason = '' } = support;
    logger.log(
      builder ? `images are built by ${builder}` : `no images are built: ${builderReason}`,
    );
    const { ended } = await runtime.sweepStale();
    if (ended > 0) logger.warn({ ended }, 'containers that a dead worker left were removed');
    this.cleaning?.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.cleaning?.stop();
    await this.choice.close();
  }
}
