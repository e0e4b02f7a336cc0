import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from '@octokit/webhooks-methods';

export interface SeenStatus {
  readonly commit: string;
  readonly state: string;
  readonly context: string;
  readonly description: string;
  readonly target_url?: string;
}

export interface MadeWebhook {
  readonly id: number;
  readonly url: string;
  readonly secret: string;
}

/** An attempt to send a delivery. */
export interface SentDelivery {
  /** Larger than what a number holds, as GitHub's are. */
  readonly id: string;
  readonly guid: string;
  readonly event: string;
  readonly payload: object;
  readonly at: Date;
  /** 0: nobody answered. */
  status: number;
}

export interface StandInRepository {
  readonly id: number;
  readonly fullName: string;
  readonly cloneUrl: string;
  defaultBranch: string;
}

/**
 * The part of GitHub's REST API that Millrace uses, for one repository, on loopback: it checks the
 * token, keeps webhooks and statuses, and sends deliveries as GitHub does.
 */
export class ForgeStandIn {
  readonly webhooks: MadeWebhook[] = [];
  readonly statuses: SeenStatus[] = [];
  readonly heads = new Map<string, string>();
  /** How often it was asked for them. */
  headRequests = 0;
  /** The newest first. */
  readonly sent: SentDelivery[] = [];
  /** What the next requests are answered with instead. */
  refusal: { readonly status: number; readonly headers?: http.OutgoingHttpHeaders } | undefined;
  private nextId = 1;

  private constructor(
    private readonly server: http.Server,
    readonly repository: StandInRepository,
    readonly token: string,
  ) {}

  static async start(repository: StandInRepository, token = 'forge-token'): Promise<ForgeStandIn> {
    const server = http.createServer();
    const self = new ForgeStandIn(server, repository, token);
    server.on('request', (request, response) => void self.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return self;
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/api/v3`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  /** Sends a delivery to the webhook that was made, signed by what GitHub publishes for that. */
  async deliver(
    event: string,
    payload: object,
    options: { readonly id?: string; readonly secret?: string; readonly asForm?: boolean } = {},
  ): Promise<Response> {
    const { id = randomUUID(), secret = this.webhooks[0]?.secret ?? '' } = options;
    const at = new Date();
    const number = String(2n ** 60n + BigInt(this.sent.length));
    const attempt = { id: number, guid: id, event, payload, at, status: 0 };
    this.sent.unshift(attempt);
    const json = JSON.stringify(payload);
    const isForm = options.asForm === true;
    const body = isForm ? new URLSearchParams({ payload: json }).toString() : json;
    const response = await fetch(this.webhooks[0]?.url ?? '', {
      method: 'POST',
      headers: {
        'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
        'user-agent': 'GitHub-Hookshot/stand-in',
        'x-github-delivery': id,
        'x-github-event': event,
        'x-github-hook-installation-target-type': 'repository',
        'x-github-hook-installation-target-id': String(this.repository.id),
        'x-hub-signature-256': await sign(secret, body),
      },
      body,
    });
    attempt.status = response.status;
    return response;
  }

  /** Payload of a push, as GitHub sends it. */
  push(branch: string, before: string, after: string, change: object = {}): object {
    return {
      ref: `refs/heads/${branch}`,
      before,
      after,
      created: false,
      deleted: false,
      forced: false,
      repository: this.repositoryPayload(),
      sender: { id: 7, login: 'ada' },
      head_commit: {
        id: after,
        message: 'a change',
        author: { name: 'Ada', email: 'ada@example.org' },
      },
      commits: [{ id: after, added: ['a.txt'], removed: [], modified: [] }],
      ...change,
    };
  }

  /** Payload of a pull request of another repository, as GitHub sends it. */
  forkPullRequest(
    base: string,
    baseCommit: string,
    headCommit: string,
    { action = 'opened', number = 5 } = {},
  ): object {
    const repository = this.repositoryPayload();
    const fork = { ...repository, id: this.repository.id + 1, full_name: 'eve/shop' };
    return {
      action,
      number,
      repository,
      sender: { id: 13, login: 'eve' },
      pull_request: {
        number,
        title: 'A change from outside',
        draft: false,
        labels: [],
        user: { id: 13, login: 'eve' },
        base: { ref: base, sha: baseCommit, repo: repository },
        head: { ref: 'patch', sha: headCommit, repo: fork },
      },
    };
  }

  private repositoryPayload(): object {
    const { id, fullName, cloneUrl, defaultBranch } = this.repository;
    return {
      id,
      full_name: fullName,
      clone_url: cloneUrl,
      html_url: cloneUrl.replace(/\.git$/, ''),
      default_branch: defaultBranch,
      private: false,
      permissions: { admin: true },
    };
  }

  private async answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    const path = (request.url ?? '').replace(/^\/api\/v3/, '').replace(/\?.*/, '');
    const send = (status: number, answer: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(answer instanceof RawJson ? answer.text : JSON.stringify(answer));
    };
    if (this.refusal) {
      response.writeHead(this.refusal.status, this.refusal.headers);
      response.end('{"message":"no"}');
      return;
    }
    // Of GitHub, and of Gitea.
    const good = [`Bearer ${this.token}`, `token ${this.token}`];
    if (!good.includes(request.headers.authorization ?? '')) {
      return send(401, { message: 'Bad credentials' });
    }
    const repo = `/repos/${this.repository.fullName}`;
    if (path === repo || path === `/repositories/${this.repository.id}`) {
      return send(200, this.repositoryPayload());
    }
    if (path === `${repo}/branches`) {
      this.headRequests += 1;
      const list = [...this.heads].map(([name, sha]) => ({ name, commit: { sha } }));
      return send(200, list);
    }
    if (path.startsWith(`${repo}/hooks`)) return this.answerHooks(request, path, body, send);
    const status = new RegExp(`^${repo}/statuses/([0-9a-f]{40})$`).exec(path);
    if (status && request.method === 'POST') {
      this.statuses.push({ ...(body as unknown as SeenStatus), commit: status[1] ?? '' });
      return send(201, {});
    }
    send(404, { message: 'Not Found' });
  }

  private answerHooks(
    { method }: http.IncomingMessage,
    path: string,
    body: Record<string, unknown>,
    send: (status: number, answer: unknown) => void,
  ): void {
    if (path.includes('/deliveries')) return this.answerDeliveries(path, send);
    const id = Number(/\/hooks\/(\d+)$/.exec(path)?.[1]);
    const index = this.webhooks.findIndex((hook) => hook.id === id);
    const shown = (hook: MadeWebhook): object => ({ id: hook.id, config: { url: hook.url } });
    if (method === 'GET') return send(200, this.webhooks.map(shown));
    if (method === 'DELETE') {
      if (index < 0) return send(404, {});
      this.webhooks.splice(index, 1);
      return send(204, null);
    }
    const { url, secret } = body['config'] as { url: string; secret: string };
    const hook = { id: method === 'POST' ? this.nextId++ : id, url, secret };
    if (method === 'POST') this.webhooks.push(hook);
    else if (index >= 0) this.webhooks[index] = hook;
    else return send(404, {});
    send(method === 'POST' ? 201 : 200, shown(hook));
  }

  /** The list of what was sent, and sending one again. */
  private answerDeliveries(path: string, send: (status: number, answer: unknown) => void): void {
    const id = /\/deliveries\/(\d+)\/attempts$/.exec(path)?.[1];
    if (id === undefined) {
      const list = this.sent.map(({ id: number, guid, status, at }) => {
        const shown = { guid, status_code: status, delivered_at: at.toISOString() };
        return JSON.stringify(shown).replace('{', `{"id":${number},`);
      });
      return send(200, new RawJson(`[${list.join(',')}]`));
    }
    const attempt = this.sent.find((one) => one.id === id);
    if (attempt === undefined) return send(404, {});
    send(202, {});
    // Its answer is in the list.
    this.deliver(attempt.event, attempt.payload, { id: attempt.guid }).catch(() => undefined);
  }
}

/** A text that is sent as it is: numbers in it may be larger than ours. */
class RawJson {
  constructor(readonly text: string) {}
}
