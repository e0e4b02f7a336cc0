import { repositoryKey } from '../../../common/values/repository-key.js';
import { type NameRecord, nameRecord, valueOf } from '../../../common/values/name-record.js';
import type { RepositoryPlan } from '../../../engine/plan/plan.js';
import type { CloneRequest, SshIdentity } from '../../../integrations/git/git-client.js';

/** The user name beside which forges take a token as the password, whatever it is. */
const USER_OF_TOKEN = 'x-access-token';

/** What one run may clone with: secrets that its pipeline names, and its connected repository. */
export class CloneAccess {
  static readonly none = new CloneAccess(nameRecord([]));

  /**
   * @param secrets values of the secrets that `credentials` name
   * @param connectedUrl of the connected repository, with its credential
   * @param isOfStranger true: what is cloned comes from another repository, such as a fork
   */
  constructor(
    private readonly secrets: NameRecord<string>,
    private readonly connectedUrl?: string,
    private readonly isOfStranger = false,
  ) {}

  /** Everything of it that must show nowhere, beside credentials in URLs. */
  get values(): readonly string[] {
    return Object.values(this.secrets);
  }

  /**
   * How a repository is cloned. Credentials in its own URL go first, then those that the pipeline
   * names, then those of the connection: for that very repository, and by its scheme only. What a
   * stranger's files name (submodules, a server of Git LFS) gets none of them.
   */
  requestFor(plan: RepositoryPlan): Omit<CloneRequest, 'directory'> {
    const request = this.authorized(plan);
    return this.isOfStranger ? { ...request, ownCredentialsOnly: true } : request;
  }

  private authorized({
    credentials,
    ...repository
  }: RepositoryPlan): Omit<CloneRequest, 'directory'> {
    const { url } = repository;
    if (!URL.canParse(url)) return repository;
    const parsed = new URL(url);
    if (credentials?.sshKey !== undefined) {
      return { ...repository, ssh: this.identity(credentials.sshKey, credentials.knownHosts) };
    }
    if (parsed.protocol === 'ssh:' || parsed.username !== '' || parsed.password !== '') {
      return repository;
    }
    if (credentials !== undefined) {
      const { token, username, password } = credentials;
      parsed.username =
        username === undefined ? USER_OF_TOKEN : encodeURIComponent(this.line(username));
      parsed.password = encodeURIComponent(this.line(token ?? password ?? ''));
      return { ...repository, url: parsed.href };
    }
    return { ...repository, url: this.ofConnection(parsed) ?? url };
  }

  private identity(key: string, knownHosts: string | undefined): SshIdentity | undefined {
    const text = this.secret(key);
    if (text === undefined) return undefined;
    const hosts = knownHosts === undefined ? undefined : this.secret(knownHosts);
    return { key: text, ...(hosts !== undefined && { knownHosts: hosts }) };
  }

  private ofConnection(url: URL): string | undefined {
    if (this.connectedUrl === undefined) return undefined;
    const connected = new URL(this.connectedUrl);
    const isSame =
      connected.protocol === url.protocol &&
      repositoryKey(connected.href) === repositoryKey(url.href);
    if (!isSame) return undefined;
    const { username, password } = connected;
    const authorized = new URL(url.href);
    authorized.username = username;
    authorized.password = password;
    return authorized.href;
  }

  /** Without the line end that a file may have brought. */
  private line(name: string): string {
    return this.secret(name)?.replace(/[\r\n]+$/, '') ?? '';
  }

  private secret(name: string): string | undefined {
    return valueOf(this.secrets, name);
  }
}
