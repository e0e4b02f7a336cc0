import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { join } from 'node:path';
import type { AsyncModuleOptions } from '../../common/async-module-options.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { makeHome } from '../../config/paths.js';
import { chooseGitClient } from './choose-git-client.js';
import { GitClient } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { sweepMirrors } from './mirror-sweep.js';

/** What the git client must know of those who use its clones. */
export interface GitModuleOptions {
  /**
   * Asked for each clone. True: no step can change a read-only file of this process, so clones may
   * share files with a mirror. Not where steps are the same user, and not where they run in
   * containers: root of one writes to any file.
   */
  readonly mayShareFiles: () => boolean;
}

const OPTIONS = Symbol('GitModuleOptions');
const MIRRORS = Symbol('GitMirrorSettings');
const DAY_MS = 86_400_000;

const logger = new Logger('GitClient');

/**
 * Global: gives a worker `GitClient` as the configuration names it, and sweeps the mirrors while
 * the worker lives.
 */
@Module({})
export class GitModule implements OnModuleInit, OnApplicationShutdown {
  private endSweep: (() => void) | undefined;

  constructor(
    @Inject(GitClient) private readonly git: GitClient,
    @Inject(MIRRORS) private readonly mirrors: GitMirrorSettings | null,
  ) {}

  static forRootAsync(options: AsyncModuleOptions<GitModuleOptions>): DynamicModule {
    const { imports = [], ...factory } = options;
    return {
      module: GitModule,
      global: true,
      imports,
      providers: [
        { provide: OPTIONS, ...factory },
        { provide: MIRRORS, inject: [MillraceConfig, OPTIONS], useFactory: mirrorSettings },
        { provide: GitClient, inject: [MillraceConfig, MIRRORS], useFactory: createClient },
      ],
      exports: [GitClient],
    };
  }

  onModuleInit(): void {
    if (!this.mirrors) return;
    this.endSweep = sweepMirrors(this.mirrors, (error) =>
      logger.warn({ err: error }, 'git mirrors not swept'),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    this.endSweep?.();
    await this.git.close();
  }
}

/** Null: no mirrors. */
function mirrorSettings(
  { gitMirrorSize, gitMirrorDays, home }: MillraceConfig,
  { mayShareFiles }: GitModuleOptions,
): GitMirrorSettings | null {
  if (gitMirrorSize === 0) return null;
  return {
    folder: join(home, 'git-mirrors'),
    maxBytes: gitMirrorSize,
    maxAgeMs: gitMirrorDays * DAY_MS,
    get share() {
      return mayShareFiles() ? 'hard-link' : 'copy';
    },
  };
}

async function createClient(
  { gitClient, allowPrivateUrls, gitCaFile: file, home: folder }: MillraceConfig,
  mirrors: GitMirrorSettings | null,
): Promise<GitClient> {
  await makeHome(folder);
  return chooseGitClient(gitClient, allowPrivateUrls, {
    ...(mirrors && { mirrors }),
    ...(file !== undefined && { authorities: { file, folder } }),
  });
}
