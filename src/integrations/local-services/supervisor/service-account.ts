import type { Environment } from '../../../config/environment.js';
import {
  lookUpUser,
  PROGRAM_ACCOUNT,
  serviceUser,
  type ServiceUser,
} from '../../../embedded/system/service-user.js';
import { LocalServicesError } from '../local-services.error.js';

export interface AccountOptions {
  readonly env: Environment;
  /** Users that steps run as. */
  readonly stepUsers: readonly string[];
  readonly say: (line: string) => void;
}

/** Which users services run as. */
export class ServiceAccounts {
  private own: Promise<ServiceUser | undefined> | undefined;

  constructor(private readonly options: AccountOptions) {}

  /**
   * Undefined: as whom the supervisor runs, which is right for every user but root.
   *
   * @throws LocalServicesError `bad_spec` for a user that a service cannot be
   */
  async of(name: string | null): Promise<ServiceUser | undefined> {
    const { env, stepUsers, say } = this.options;
    if (process.getuid?.() !== 0) {
      if (name === null) return undefined;
      if ((await lookUpUser(name, env))?.uid === process.getuid?.()) return undefined;
      throw refused(name, 'only root can start programs as another user');
    }
    if (stepUsers.includes(name ?? PROGRAM_ACCOUNT.name)) {
      throw refused(name ?? PROGRAM_ACCOUNT.name, 'it is the user of the steps');
    }
    if (name === null) {
      this.own ??= serviceUser(PROGRAM_ACCOUNT, env, say);
      // What failed once is tried again.
      this.own.catch(() => (this.own = undefined));
      return this.own;
    }
    const user = await lookUpUser(name, env);
    if (user === undefined) throw refused(name, 'there is no such user');
    if (user.uid === 0) throw refused(name, 'a service is never root');
    return user;
  }
}

function refused(name: string, why: string): LocalServicesError {
  return new LocalServicesError('bad_spec', `a service cannot run as the user ${name}: ${why}`);
}
