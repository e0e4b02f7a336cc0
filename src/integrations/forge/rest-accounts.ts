import { AddressRefusedError } from '../../common/net/address-policy.js';
import { type CheckedHttp, HttpFailure, type HttpAnswer } from '../../common/net/checked-http.js';
import type { LoginForge } from '../../config/login-values.js';
import {
  ForgeAccounts,
  type ForgeAccount,
  type ForgeGroup,
  type ForgeTokens,
} from './forge-accounts.js';
import { ForgeError } from './forge.js';
import { forgeErrorOf } from './rest-forge.js';
import { Payload } from './webhooks/payload.js';

/** Where people of a forge log in, and with which application. */
export interface LoginEndpoint {
  readonly forge: LoginForge;
  /** `https://github.com`, without a slash at its end. */
  readonly baseUrl: string;
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** In what the two forges differ. */
interface AccountDialect {
  readonly headers: (access: string) => Readonly<Record<string, string>>;
  readonly pageSize: number;
  /** Query of a page, counted from 1. */
  readonly page: (number: number) => string;
  readonly organizationsPath: string;
  /** Undefined for an entry that is no active membership. */
  readonly organization: (entry: Payload) => ForgeGroup | undefined;
  readonly team: (entry: Payload) => ForgeGroup | undefined;
}

/** Source: https://docs.github.com/en/rest/orgs/members, …/teams/members (version 2022-11-28) */
const github: AccountDialect = {
  headers: (access) => ({
    Accept: 'application/vnd.github+json',
    'X-GitHub-Api-Version': '2022-11-28',
    Authorization: `Bearer ${access}`,
  }),
  pageSize: 100,
  page: (number) => `per_page=100&page=${number}`,
  organizationsPath: '/user/memberships/orgs?state=active&',
  organization: (entry) =>
    // An invitation that was not accepted is `pending`.
    entry.at('state').isSame('active')
      ? group(entry.at('organization', 'id'), entry.at('organization', 'login'))
      : undefined,
  team: (entry) => group(entry.at('id'), entry.at('organization', 'login'), entry.at('slug')),
};

/** Gitea and Forgejo: only members are listed. Source: https://docs.gitea.com/api */
const gitea: AccountDialect = {
  headers: (access) => ({ Accept: 'application/json', Authorization: `Bearer ${access}` }),
  pageSize: 50,
  page: (number) => `limit=50&page=${number}`,
  organizationsPath: '/user/orgs?',
  organization: (entry) => group(entry.at('id'), entry.at('username')),
  team: (entry) => group(entry.at('id'), entry.at('organization', 'username'), entry.at('name')),
};

const DIALECTS: Readonly<Record<LoginForge, AccountDialect>> = { github, gitea };

/** Longer lists are refused: a part of them could say what is not so. */
const MAX_PAGES = 50;

/** Accounts of GitHub and Gitea, by their APIs. */
export class RestForgeAccounts extends ForgeAccounts {
  private readonly endpoints: ReadonlyMap<LoginForge, LoginEndpoint>;

  constructor(
    endpoints: readonly LoginEndpoint[],
    private readonly http: CheckedHttp,
  ) {
    super();
    this.endpoints = new Map(endpoints.map((each) => [each.forge, each]));
  }

  hostOf(forge: LoginForge): string | undefined {
    const endpoint = this.endpoints.get(forge);
    return endpoint && new URL(endpoint.baseUrl).host;
  }

  async account(forge: LoginForge, access: string): Promise<ForgeAccount> {
    const { body } = await this.get(forge, access, '/user');
    const id = body.at('id').id;
    const login = body.at('login').text;
    if (id === null || !/^\d{1,19}$/.test(id) || login === null) throw brokenAnswer();
    return { id, login, name: body.at(forge === 'gitea' ? 'full_name' : 'name').text };
  }

  async organizations(forge: LoginForge, access: string): Promise<readonly ForgeGroup[]> {
    const { organizationsPath, organization } = DIALECTS[forge];
    const entries = await this.pages(forge, access, organizationsPath);
    return entries.flatMap((entry) => organization(entry) ?? []);
  }

  async teams(forge: LoginForge, access: string): Promise<readonly ForgeGroup[]> {
    const entries = await this.pages(forge, access, '/user/teams?');
    return entries.flatMap((entry) => DIALECTS[forge].team(entry) ?? []);
  }

  async isActiveInTeam(
    forge: LoginForge,
    access: string,
    account: ForgeAccount,
    team: ForgeGroup,
  ): Promise<boolean> {
    if (forge === 'gitea') return true;
    const [organization = '', slug = ''] = team.name.split('/').map(encodeURIComponent);
    const path = `/orgs/${organization}/teams/${slug}/memberships/${encodeURIComponent(account.login)}`;
    try {
      const { body } = await this.get(forge, access, path);
      return body.at('state').isSame('active');
    } catch (error) {
      if (error instanceof ForgeError && error.code === 'not_found') return false;
      throw error;
    }
  }

  async renew(forge: LoginForge, refresh: string): Promise<ForgeTokens> {
    const { baseUrl, clientId, clientSecret } = this.endpoint(forge);
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refresh,
      client_id: clientId,
      client_secret: clientSecret,
    });
    const answer = await this.send({
      method: 'POST',
      url: `${baseUrl}/login/oauth/access_token`,
      headers: {
        Accept: 'application/json',
        'Content-Type': 'application/x-www-form-urlencoded',
        'User-Agent': 'millrace',
      },
      body: form.toString(),
    });
    // GitHub answers 200 to a refusal too, Gitea 400.
    const body = answer.status === 400 ? new Payload({}) : parsed(answer);
    const access = body.at('access_token').text;
    if (access === null) {
      throw new ForgeError('unauthorized', 'The forge does not renew the log-in.');
    }
    return { access, refresh: body.at('refresh_token').text };
  }

  private async pages(forge: LoginForge, access: string, path: string): Promise<Payload[]> {
    const { page, pageSize } = DIALECTS[forge];
    const entries: Payload[] = [];
    for (let number = 1; number <= MAX_PAGES; number++) {
      const { body, hasNext } = await this.get(forge, access, path + page(number));
      if (body.list === null) throw brokenAnswer();
      entries.push(...body.list);
      // A page may be shorter than it was asked for, and not be the last.
      if (!hasNext && body.list.length < pageSize) return entries;
    }
    throw new ForgeError('unreachable', 'The forge lists more memberships than are read.');
  }

  private async get(
    forge: LoginForge,
    access: string,
    path: string,
  ): Promise<{ readonly body: Payload; readonly hasNext: boolean }> {
    const answer = await this.send({
      method: 'GET',
      url: this.endpoint(forge).apiUrl + path,
      headers: { 'User-Agent': 'millrace', ...DIALECTS[forge].headers(access) },
    });
    const link = answer.headers['link'];
    return { body: parsed(answer), hasNext: /\brel="?next"?/.test(String(link ?? '')) };
  }

  private endpoint(forge: LoginForge): LoginEndpoint {
    const endpoint = this.endpoints.get(forge);
    if (endpoint === undefined) throw new ForgeError('refused', 'The forge is not configured.');
    return endpoint;
  }

  private async send(request: Parameters<CheckedHttp['send']>[0]): Promise<HttpAnswer> {
    try {
      return await this.http.send(request);
    } catch (error) {
      if (error instanceof HttpFailure || error instanceof AddressRefusedError) {
        throw new ForgeError('unreachable', 'The forge cannot be reached.');
      }
      throw error;
    }
  }
}

function group(id: Payload, ...names: readonly Payload[]): ForgeGroup | undefined {
  const texts = names.map(({ text }) => text);
  if (id.id === null || texts.includes(null)) return undefined;
  return { id: id.id, name: texts.join('/').toLowerCase() };
}

function parsed(answer: HttpAnswer): Payload {
  if (answer.status < 200 || answer.status > 299) throw forgeErrorOf(answer);
  try {
    return new Payload(JSON.parse(answer.body));
  } catch (error) {
    if (error instanceof SyntaxError) throw brokenAnswer();
    throw error;
  }
}

function brokenAnswer(): ForgeError {
  return new ForgeError('unreachable', 'The forge has given an answer that is not its own form.');
}
