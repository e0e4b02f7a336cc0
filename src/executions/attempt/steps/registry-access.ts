import { type NameRecord, nameRecord, valueOf } from '../../../common/values/name-record.js';
import type { RegistryPlan } from '../../../engine/plan/plan.js';
import type { RegistryLogin } from '../../../integrations/container-runtime/container-runtime.js';

/** What one run logs in with at registries: secrets that its pipeline names, each for one host. */
export class RegistryAccess {
  static readonly none = new RegistryAccess([], nameRecord([]));

  constructor(
    private readonly registries: readonly RegistryPlan[],
    /** Those that are not for such a run are not in it: it has no log-in there. */
    private readonly secrets: NameRecord<string>,
  ) {}

  /** Everything of it that must show nowhere. */
  get values(): readonly string[] {
    return this.registries.flatMap(({ password }) => valueOf(this.secrets, password) ?? []);
  }

  /** All of them, by their registries. */
  get logins(): ReadonlyMap<string, RegistryLogin> {
    return new Map(
      this.registries.flatMap(({ registry }) => {
        const login = this.loginFor(registry);
        return login === undefined ? [] : [[registry, login] as const];
      }),
    );
  }

  /** @param registry normalised, see `parseImageName` */
  loginFor(registry: string): RegistryLogin | undefined {
    const access = this.registries.find((one) => one.registry === registry);
    if (access === undefined) return undefined;
    const username = this.line(access.username);
    const password = this.line(access.password);
    return username === undefined || password === undefined ? undefined : { username, password };
  }

  /** Without the line end that a file may have brought. */
  private line(name: string): string | undefined {
    return valueOf(this.secrets, name)?.replace(/[\r\n]+$/, '');
  }
}
