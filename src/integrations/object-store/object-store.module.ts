import {
  type DynamicModule,
  Inject,
  Logger,
  Module,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { join } from 'node:path';
import { PeriodicTask } from '../../common/async/periodic-task.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { diskObjectStore } from './disk/disk-object-store.js';
import { ObjectStore } from './object-store.js';
import { s3Settings } from './s3-settings.js';

export interface ObjectStoreModuleOptions {
  /**
   * True: this process removes what killed ones have left unfinished. Any number may do so, one is
   * enough: it reads the lists of all objects.
   */
  readonly sweeps: boolean;
}

const OPTIONS = Symbol('ObjectStoreModuleOptions');
const SWEEP_EVERY_MS = 3_600_000;
/** Longer than anything takes to be put. */
const UNFINISHED_AFTER_MS = 86_400_000;

const logger = new Logger('ObjectStore');

/**
 * Global: gives everybody `ObjectStore` as `OBJECT_STORE` names it. The SDK of S3 is loaded only
 * where it is chosen. Nothing is asked of the store at the start.
 */
@Module({})
export class ObjectStoreModule implements OnModuleInit, OnApplicationShutdown {
  private readonly ended = new AbortController();
  private readonly sweep = new PeriodicTask(() => this.removeUnfinished(), {
    everyMs: SWEEP_EVERY_MS,
    unref: true,
  });

  constructor(
    @Inject(ObjectStore) private readonly store: ObjectStore,
    @Inject(OPTIONS) private readonly options: ObjectStoreModuleOptions,
  ) {}

  static forRoot(options: ObjectStoreModuleOptions): DynamicModule {
    return {
      module: ObjectStoreModule,
      global: true,
      providers: [
        { provide: OPTIONS, useValue: options },
        { provide: ObjectStore, inject: [MillraceConfig], useFactory: createStore },
      ],
      exports: [ObjectStore],
    };
  }

  onModuleInit(): void {
    if (this.options.sweeps) this.sweep.start();
  }

  async onApplicationShutdown(): Promise<void> {
    this.ended.abort();
    await this.sweep.stop();
  }

  private async removeUnfinished(): Promise<void> {
    const { signal } = this.ended;
    try {
      const removed = await this.store.abortUnfinished(UNFINISHED_AFTER_MS, { signal });
      if (removed > 0) logger.log(`removed ${removed} unfinished objects`);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'unfinished objects not removed');
    }
  }
}

async function createStore(config: MillraceConfig): Promise<ObjectStore> {
  if (config.objectStore === 'disk') return diskObjectStore(join(config.home, 'objects'));
  const { s3ObjectStore } = await import('./s3/s3-object-store.js');
  return s3ObjectStore(s3Settings(config));
}
