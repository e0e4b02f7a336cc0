import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { AsyncModuleOptions } from '../../common/async-module-options.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { entryFile } from '../../config/paths.js';
import { LauncherProcessRunner } from './client/launcher-process-runner.js';
import { ensureStepUser } from './client/step-user.js';
import { ProcessGroups } from './process-groups.js';
import { ProcessRunner } from './process-runner.js';
import { StepAccount } from './step-account.js';

/** What the worker says of itself to its launcher. */
export interface ProcessModuleOptions {
  /** False: this process must not keep the processes of its steps alive by its heartbeat. */
  readonly isSteady: () => boolean;
}

const OPTIONS = Symbol('ProcessModuleOptions');

const logger = new Logger('ProcessRunner');

/**
 * Global: gives a worker `ProcessRunner`, and the names and the user that go with it. What a dead
 * worker of this host left is ended before anything is started; at the end, after
 * `beforeApplicationShutdown` of all, everything that runs is.
 */
@Module({})
export class ProcessModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    @Inject(LauncherProcessRunner) private readonly processes: LauncherProcessRunner,
    @Inject(ProcessGroups) private readonly groups: ProcessGroups,
  ) {}

  static forRootAsync(options: AsyncModuleOptions<ProcessModuleOptions>): DynamicModule {
    const { imports = [], ...factory } = options;
    return {
      module: ProcessModule,
      global: true,
      imports,
      providers: [
        { provide: OPTIONS, ...factory },
        {
          provide: StepAccount,
          inject: [MillraceConfig],
          useFactory: async ({ stepUser }: MillraceConfig) =>
            new StepAccount(await ensureStepUser(stepUser)),
        },
        {
          provide: ProcessGroups,
          inject: [MillraceConfig],
          useFactory: ({ home }: MillraceConfig) => ProcessGroups.ofHome(home),
        },
        {
          provide: LauncherProcessRunner,
          inject: [StepAccount, Metrics, MillraceConfig, OPTIONS],
          useFactory: createRunner,
        },
        { provide: ProcessRunner, useExisting: LauncherProcessRunner },
      ],
      exports: [ProcessRunner, ProcessGroups, StepAccount],
    };
  }

  async onModuleInit(): Promise<void> {
    const ended = await this.processes.sweepStale(this.groups.prefix);
    if (ended > 0) logger.warn({ ended }, 'processes that a dead worker left were ended');
    await this.processes.warmUp();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.processes.close();
  }
}

function createRunner(
  account: StepAccount,
  metrics: Metrics,
  { dockerHost }: MillraceConfig,
  { isSteady }: ProcessModuleOptions,
): LauncherProcessRunner {
  return new LauncherProcessRunner({
    launcherEntry: entryFile('launcher'),
    stepUser: account.user,
    onSpawn: (ms) => metrics.stepSpawn.observe(ms / 1000),
    report: (event) => logger.warn(event, `launcher: ${event.message}`),
    isSteady,
    engine: { host: dockerHost },
  });
}
