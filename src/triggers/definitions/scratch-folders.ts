import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { join } from 'node:path';
import { MillraceConfig } from '../../config/millrace-config.js';
import {
  makeMarkedFolder,
  removeFolder,
  removeLeftFolders,
} from '../../common/child-process/marked-folders.js';

/** Private folders for questions to a repository whose answer is no file. */
@Injectable()
export class ScratchFolders implements OnModuleInit {
  private readonly logger = new Logger(ScratchFolders.name);
  private readonly parent: string;

  constructor(config: MillraceConfig) {
    this.parent = join(config.home, 'definitions');
  }

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
    this.logger.warn({ err: error }, 'a folder of definitions is left');
  }
}
