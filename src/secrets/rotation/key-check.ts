import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { endUnasked } from '../../common/end-unasked.js';
import { ConfigError } from '../../config/load-config.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { Keyring } from '../encryption/keyring.js';
import { EncryptionStateRepository } from './encryption-state.repository.js';

/** The start waits for the database no longer than this, ms. */
const PATIENCE_MS = 1_000;
const ASK_AGAIN_MS = 1_000;
/** Of processes that start together with keys of their own, the first has sealed by then. */
const ASK_ONCE_MORE_MS = 15_000;

/**
 * Keeps a process from running where what is stored is encrypted by a key that it has not: it would
 * fail the executions that it takes, and encrypt others so that nobody else reads them.
 */
@Injectable()
export class KeyCheck implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(KeyCheck.name);
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;
  private nextInMs = ASK_ONCE_MORE_MS;

  constructor(
    private readonly states: EncryptionStateRepository,
    private readonly keyring: Keyring,
  ) {}

  /** @throws ConfigError. While the database is away the check comes when it is back. */
  async onModuleInit(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      if (!isDatabaseUnavailable(error)) throw error;
      this.nextInMs = ASK_AGAIN_MS;
    }
  }

  /** Not sooner: a start that takes long has no log yet, and would end without a word. */
  onApplicationBootstrap(): void {
    this.askAgain(this.nextInMs);
  }

  onModuleDestroy(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  /** @throws ConfigError, and with the database */
  private async check(): Promise<void> {
    const id = await this.states.sealedBy(PATIENCE_MS);
    if (id === undefined || this.keyring.ids.includes(id)) return;
    const message =
      `lacks the key "${id}", by which the data of this installation is encrypted. All processes need the same keys: ` +
      'those of ENCRYPTION_KEYS elsewhere, or of the file encryption-keys in the first MILLRACE_HOME.';
    throw new ConfigError([{ name: 'ENCRYPTION_KEYS', message }]);
  }

  private askAgain(inMs: number): void {
    if (!this.isOver) this.timer = setTimeout(() => void this.checkLater(), inMs).unref();
  }

  /** Ends the process for a missing key alone: whatever else fails says nothing of keys. */
  private async checkLater(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      if (this.isOver) return;
      if (error instanceof ConfigError) {
        this.logger.fatal({ err: error }, 'this process may not run here, and stops');
        endUnasked();
        return;
      }
      if (!isDatabaseUnavailable(error)) {
        this.logger.error({ err: error }, 'the keys are not checked yet');
      }
      this.askAgain(ASK_AGAIN_MS);
    }
  }
}
