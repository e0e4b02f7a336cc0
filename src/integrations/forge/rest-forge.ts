import { AddressRefusedError } from '../../common/net/address-policy.js';
import { type CheckedHttp, HttpFailure, type HttpAnswer } from '../../common/net/checked-http.js';
import {
  type CommitStatus,
  Forge,
  type ForgeAccess,
  ForgeError,
  type RemoteRepository,
  type WebhookWanted,
} from './forge.js';
import type { ForgeKind } from './forge-event.js';
import { Payload } from './webhooks/payload.js';

/** In what the API of a forge differs from that of GitHub. */
export interface RestDialect {
  readonly kind: ForgeKind;
  readonly headers: (token: string | undefined) => Readonly<Record<string, string>>;
  /** Query of a page, counted from 1. */
  readonly page: (number: number) => string;
  readonly pageSize: number;
  /** Body by which a webhook is made. */
  readonly newWebhook: (wanted: WebhookWanted) => object;
  /** Whether the secret of a webhook that is there can be changed. */
  readonly takesNewSecrets: boolean;
  /** Whether it lists what it has sent to a webhook, and sends it again. */
  readonly redelivers: boolean;
  /** SHA of an entry of the list of branches. */
  readonly headOf: (branch: Payload) => string | null;
}

/** More pages are not read: a list of so many branches serves nobody. */
const MAX_PAGES = 50;
/** A rate limit that names no moment. */
const DEFAULT_RETRY_MS = 60_000;
const MAX_DESCRIPTION = 140;
/** Of one delivery. One that fails so often fails for another reason than that we were away. */
const MOST_ATTEMPTS = 3;

/** A forge whose API has the form of GitHub's. */
export class RestForge extends Forge {
  readonly kind: ForgeKind;

  constructor(
    private readonly dialect: RestDialect,
    private readonly access: ForgeAccess,
    private readonly http: CheckedHttp,
  ) {
    super();
    this.kind = dialect.kind;
  }

  async repositoryNamed(fullName: string): Promise<RemoteRepository> {
    return remoteRepository(await this.get(`/repos/${pathOf(fullName)}`));
  }

  async repository(id: string): Promise<RemoteRepository> {
    return remoteRepository(await this.get(`/repositories/${encodeURIComponent(id)}`));
  }

  async ensureWebhook(fullName: string, wanted: WebhookWanted): Promise<string> {
    const hooks = `/repos/${pathOf(fullName)}/hooks`;
    const same = (await this.pages(hooks)).filter(
      (hook) => hook.at('config', 'url').text === wanted.url,
    );
    const there = same.flatMap((hook) => hook.at('id').id ?? []);
    const kept = this.dialect.takesNewSecrets ? there[0] : undefined;
    const made = this.dialect.newWebhook(wanted);
    const answer =
      kept === undefined
        ? await this.send('POST', hooks, made)
        : await this.send('PATCH', `${hooks}/${encodeURIComponent(kept)}`, made);
    const id = answer.at('id').id;
    if (id === null) throw brokenAnswer();
    // After that, so that no delivery falls between. Two processes may have made one each.
    for (const other of there) if (other !== kept) await this.removeWebhook(fullName, other);
    return id;
  }

  async removeWebhook(fullName: string, id: string): Promise<void> {
    try {
      await this.send('DELETE', `/repos/${pathOf(fullName)}/hooks/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!(error instanceof ForgeError && error.code === 'not_found')) throw error;
    }
  }

  async setStatus(fullName: string, commit: string, status: CommitStatus): Promise<void> {
    const path = `/repos/${pathOf(fullName)}/statuses/${encodeURIComponent(commit)}`;
    await this.send('POST', path, {
      state: status.state,
      context: status.context,
      description: status.description.slice(0, MAX_DESCRIPTION),
      ...(status.targetUrl !== undefined && { target_url: status.targetUrl }),
    });
  }

  async redeliverFailed(fullName: string, webhookId: string, since: Date): Promise<number> {
    if (!this.dialect.redelivers) return 0;
    const path = `/repos/${pathOf(fullName)}/hooks/${encodeURIComponent(webhookId)}/deliveries`;
    const { list } = await this.get(`${path}?per_page=100`);
    if (list === null) throw brokenAnswer();
    const failed = failedDeliveries(list, since);
    for (const id of failed) {
      await this.send('POST', `${path}/${encodeURIComponent(id)}/attempts`);
    }
    return failed.length;
  }

  async heads(fullName: string): Promise<ReadonlyMap<string, string>> {
    const branches = await this.pages(`/repos/${pathOf(fullName)}/branches`);
    return new Map(
      branches.flatMap((branch): [string, string][] => {
        const name = branch.at('name').text;
        const sha = this.dialect.headOf(branch);
        return name === null || sha === null ? [] : [[name, sha]];
      }),
    );
  }

  private async pages(path: string): Promise<readonly Payload[]> {
    const items: Payload[] = [];
    for (let number = 1; number <= MAX_PAGES; number++) {
      const page = (await this.get(`${path}?${this.dialect.page(number)}`)).list;
      if (page === null) throw brokenAnswer();
      items.push(...page);
      if (page.length < this.dialect.pageSize) break;
    }
    return items;
  }

  private get(path: string): Promise<Payload> {
    return this.send('GET', path);
  }

  private async send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<Payload> {
    const answer = await this.ask({
      method,
      url: this.access.apiUrl.replace(/\/+$/, '') + path,
      headers: {
        Accept: 'application/json',
        'User-Agent': 'millrace',
        ...(body && { 'Content-Type': 'application/json' }),
        ...this.dialect.headers(this.access.token),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (answer.status >= 200 && answer.status < 300) return parsed(answer);
    throw forgeErrorOf(answer);
  }

  private async ask(request: Parameters<CheckedHttp['send']>[0]): Promise<HttpAnswer> {
    try {
      return await this.http.send(request);
    } catch (error) {
      if (error instanceof AddressRefusedError) throw new ForgeError('refused', error.message);
      if (error instanceof HttpFailure) {
        throw new ForgeError('unreachable', `The forge cannot be reached: ${error.message}.`);
      }
      throw error;
    }
  }
}

/** Ids of deliveries of which no attempt went well; of each the newest attempt. */
function failedDeliveries(list: readonly Payload[], since: Date): readonly string[] {
  const attempts = new Map<string, Payload[]>();
  for (const attempt of list) {
    const guid = attempt.at('guid').text;
    if (guid !== null) attempts.set(guid, [...(attempts.get(guid) ?? []), attempt]);
  }
  return [...attempts.values()].flatMap((all) => {
    const isGood = all.some((one) => isSuccess(one.at('status_code').number));
    // What is not known by its time is older than the list.
    const isRecent = all.every((one) => timeOf(one.at('delivered_at').text) >= since.getTime());
    const id = all[0]?.at('id').id ?? null;
    return isGood || !isRecent || all.length >= MOST_ATTEMPTS || id === null ? [] : [id];
  });
}

function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300;
}

function timeOf(text: string | null): number {
  return text === null ? NaN : Date.parse(text);
}

/** `owner/name` as a path: each part is one, whatever is in it. */
function pathOf(fullName: string): string {
  return fullName.split('/').map(encodeURIComponent).join('/');
}

function remoteRepository(payload: Payload): RemoteRepository {
  const id = payload.at('id').id;
  const fullName = payload.at('full_name').text;
  const cloneUrl = payload.at('clone_url').text;
  if (id === null || fullName === null || cloneUrl === null) throw brokenAnswer();
  return {
    id,
    fullName,
    cloneUrl,
    webUrl: payload.at('html_url').text ?? cloneUrl,
    defaultBranch: payload.at('default_branch').text ?? 'main',
    isPrivate: payload.at('private').flag,
    canAdminister: payload.at('permissions', 'admin').flag,
  };
}

function parsed({ body }: HttpAnswer): Payload {
  if (body === '') return new Payload(null);
  try {
    return new Payload(JSON.parse(body, exactly as (key: string, value: unknown) => unknown));
  } catch (error) {
    if (error instanceof SyntaxError) throw brokenAnswer();
    throw error;
  }
}

/** Ids of deliveries are larger than what a number holds: those are texts then. */
function exactly(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  const isCut = Number.isInteger(value) && !Number.isSafeInteger(value);
  return isCut && source !== undefined ? source : value;
}

function brokenAnswer(): ForgeError {
  return new ForgeError('unreachable', 'The forge has given an answer that is not its own form.');
}

/** What an answer that is no success means. GitHub tells a rate limit by 403 or 429 and headers. */
export function forgeErrorOf({ status, headers, body }: HttpAnswer): ForgeError {
  const retryAfterMs = retryAfter(headers);
  const isLimit =
    status === 429 ||
    (status === 403 &&
      (headers['retry-after'] !== undefined ||
        headers['x-ratelimit-remaining'] === '0' ||
        /rate limit/i.test(body)));
  if (isLimit) {
    return new ForgeError('rate_limited', 'The forge asks to wait.', retryAfterMs);
  }
  if (status === 401) return new ForgeError('unauthorized', 'The forge refuses the credential.');
  if (status === 403) return new ForgeError('forbidden', 'The credential may not do this.');
  if (status === 404 || status === 410) {
    return new ForgeError('not_found', 'The forge knows no such thing, or hides it.');
  }
  if (status >= 300 && status < 400) {
    return new ForgeError('moved', 'The forge has it under another name now.');
  }
  if (status >= 500) return new ForgeError('unreachable', `The forge has answered ${status}.`);
  return new ForgeError('refused', `The forge has refused it (${status}).`);
}

function retryAfter(headers: HttpAnswer['headers']): number {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  const reset = Number(headers['x-ratelimit-reset']);
  if (Number.isFinite(reset) && reset > 0) return Math.max(reset * 1000 - Date.now(), 1000);
  return DEFAULT_RETRY_MS;
}
