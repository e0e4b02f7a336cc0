import { type FactoryProvider, Logger, type OnModuleInit } from '@nestjs/common';
import { join } from 'node:path';
import { MillraceConfig } from '../../config/millrace-config.js';
import {
  makeMarkedFolder,
  removeFolder,
  removeLeftFolders,
} from '../child-process/marked-folders.js';

/** Private folders for questions to files of others whose answer is no file. */
export class ScratchFolders implements OnModuleInit {
  private readonly logger = new Logger(ScratchFolders.name);

  /** @param parent of all of them; it need not be there */
  constructor(private readonly parent: string) {}

  /** What killed processes left. */
  onModuleInit(): void {
    removeLeftFolders(this.parent).catch((error: unknown) => this.warn(error));
  }

  /** The folder is removed after the work, which does not wait for that. */
  async use<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await makeMarkedFolder(this.parent);
    try {
      return await work(folder);
    } finally {
      removeFolder(folder).catch((error: unknown) => this.warn(error));
    }
  }

  private warn(error: unknown): void {
    this.logger.warn({ err: error, parent: this.parent }, 'a scratch folder is left');
  }
}

/** Those of a feature, in the folder of this name under `MILLRACE_HOME`. */
export function scratchFolders(name: string): FactoryProvider<ScratchFolders> {
  return {
    provide: ScratchFolders,
    inject: [MillraceConfig],
    useFactory: ({ home }: MillraceConfig) => new ScratchFolders(join(home, name)),
  };
}
