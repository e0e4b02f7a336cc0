import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { v5 } from 'uuid';
import {
  conflict,
  MillraceError,
  notFound,
  validationError,
} from '../common/errors/millrace.error.js';
import type { Changed } from '../common/audit/changed.js';
import type { Page, PageRequest } from '../common/http/paging.js';
import { MillraceConfig } from '../config/millrace-config.js';
import {
  type Forge,
  ForgeError,
  Forges,
  type RemoteRepository,
} from '../integrations/forge/forge.js';
import type { ForgeKind } from '../integrations/forge/forge-event.js';
import { repositoryKey } from '../common/values/repository-key.js';
import { Keyring } from '../secrets/encryption/keyring.js';
import { SecretOwners } from '../secrets/store/secret-owners.js';
import { SecretsService } from '../secrets/store/secrets.service.js';
import { type ForgeAddress, forgeAddress } from './forge-address.js';
import { tokenContext, webhookContext } from './repository-contexts.js';
import { RepositoriesRepository } from './repositories.repository.js';
import {
  type RepositoryDocument,
  type RepositorySettings,
  type StoredWebhook,
  settingsOf,
} from './repository.schema.js';

/** Namespace of the ids of connections (a random UUID, fixed for ever). */
const ID_NAMESPACE = '6c6e6a52-6a06-4c7f-9c3a-5a3d3f1e7b9a';
const SECRET_BYTES = 32;
const EARLIER_SECRET_MS = 24 * 3600 * 1000;

export interface ConnectRequest {
  readonly url: string;
  readonly forge?: ForgeKind;
  readonly apiUrl?: string;
  readonly token?: string;
  /** Id of the repository at the forge; for GitLab, whose API is not asked. */
  readonly remoteId?: string;
  /** What is not named stays as it is. */
  readonly settings?: Partial<RepositorySettings>;
}

/** How a forge reaches us: shown once, to whoever connected it. */
export interface WebhookToPaste {
  readonly url: string | null;
  readonly secret: string;
}

export interface Connected {
  readonly repository: RepositoryDocument;
  /** Null: Millrace has made the webhook itself. */
  readonly paste: WebhookToPaste | null;
  /** Why the webhook was not made; null = it was. */
  readonly why: string | null;
}

/** `not_seen`: what would show whether it works has not happened yet. */
export const PART_STATES = ['works', 'not_seen', 'fails'] as const;

/** What a check found of a part, and what to do. */
export interface CheckedPart {
  readonly part: 'forge' | 'webhook' | 'deliveries';
  readonly state: (typeof PART_STATES)[number];
  readonly message: string;
}

/** Connects repositories; whatever a payload says changes none of them. */
@Injectable()
export class RepositoriesService implements OnModuleInit {
  private readonly logger = new Logger(RepositoriesService.name);

  constructor(
    private readonly repositories: RepositoriesRepository,
    private readonly forges: Forges,
    private readonly keyring: Keyring,
    private readonly config: MillraceConfig,
    private readonly secrets: SecretsService,
    private readonly owners: SecretOwners,
  ) {}

  onModuleInit(): void {
    this.owners.register('repository', async (id) => (await this.find(id)) !== undefined);
  }

  /**
   * Connects a repository, or brings the connection up to date; there is exactly one for each
   * repository of a forge, with one webhook.
   * @throws MillraceError ValidationError, UnprocessableError (the forge says no),
   *   ExternalServiceError (it cannot be reached)
   */
  async connect(request: ConnectRequest, actor: string): Promise<Connected> {
    const address = forgeAddress(request.url, request);
    const remote = await this.remote(address, request);
    const id = v5(`${address.forge} ${new URL(address.webUrl).host} ${remote.id}`, ID_NAMESPACE);
    const now = new Date();
    const facts = {
      api_url: address.apiUrl,
      full_name: remote.fullName,
      clone_url: remote.cloneUrl,
      web_url: remote.webUrl,
      default_branch: remote.defaultBranch,
      token:
        request.token === undefined ? null : this.keyring.seal(request.token, tokenContext(id)),
    };
    const isNew = await this.repositories.insert({
      ...facts,
      _id: id,
      forge: address.forge,
      remote_id: remote.id,
      webhook: { secret: this.newSecret(id), id: null, reached_at: null },
      forks: 'approval',
      ...request.settings,
      problem: null,
      created_by: actor,
      created_at: now,
      updated_at: now,
    });
    if (!isNew) {
      const { token, ...found } = facts;
      await this.repositories.change(id, {
        ...found,
        ...(token !== null && { token }),
        ...request.settings,
      });
      await this.repositories.setProblem(id, null);
    }
    return this.makeWebhook(await this.get(id), remote.canAdminister);
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<RepositoryDocument> {
    const found = await this.repositories.find(id);
    if (!found) throw noRepository(id);
    return found;
  }

  find(id: string): Promise<RepositoryDocument | undefined> {
    return this.repositories.find(id);
  }

  /** Those of a kind of forge with this id there. */
  withRemoteId(forge: ForgeKind, remoteId: string): Promise<readonly RepositoryDocument[]> {
    return this.repositories.withRemoteId(forge, remoteId);
  }

  /** The connection of the repository that this URL clones, however it is written. */
  async withCloneUrl(url: string): Promise<RepositoryDocument | undefined> {
    const key = repositoryKey(url);
    if (key === undefined) return undefined;
    const known = await this.repositories.cloneUrls();
    const found = known.find(({ clone_url }) => repositoryKey(clone_url) === key);
    return found && this.find(found._id);
  }

  all(): Promise<readonly RepositoryDocument[]> {
    return this.repositories.all();
  }

  list(page: PageRequest): Promise<Page<RepositoryDocument>> {
    return this.repositories.list(page);
  }

  async changeSettings(
    id: string,
    settings: Partial<RepositorySettings>,
  ): Promise<Changed<RepositoryDocument>> {
    const current = await this.get(id);
    const before = settingsOf(current);
    if (isDeepStrictEqual(before, { ...before, ...settings })) {
      return { value: current, isChanged: false };
    }
    await this.repositories.change(id, settings);
    return { value: await this.get(id), isChanged: true };
  }

  /**
   * Ends the connection and removes its webhook; works when the repository or the credential is
   * gone too. Executions stay, its secrets do not.
   */
  async disconnect(id: string): Promise<void> {
    const repository = await this.get(id);
    const { id: webhookId } = repository.webhook;
    if (webhookId !== null) {
      await this.atForge(repository, (forge, name) => forge.removeWebhook(name, webhookId)).catch(
        (error: unknown) => {
          this.logger.warn({ err: error, repositoryId: id }, 'its webhook stays at the forge');
        },
      );
    }
    await this.secrets.deleteOf({ scope: 'repository', id });
    await this.repositories.delete(id);
  }

  /** A new secret for the webhook; the one before is accepted until the new one was seen. */
  async rotateSecret(id: string): Promise<Connected> {
    const repository = await this.get(id);
    const webhook: StoredWebhook = {
      ...repository.webhook,
      secret: this.newSecret(id),
      earlier: {
        secret: repository.webhook.secret,
        until: new Date(Date.now() + EARLIER_SECRET_MS),
      },
    };
    const changed = await this.repositories.changeWebhook(repository, webhook);
    if (!changed) {
      throw secretJustChanged();
    }
    return this.makeWebhook(changed, webhook.id !== null);
  }

  /** What of the connection works now. */
  async check(id: string): Promise<readonly CheckedPart[]> {
    const repository = await this.get(id);
    const parts: CheckedPart[] = [];
    if (repository.api_url !== '') {
      parts.push(await this.checkForge(repository));
    }
    return [...parts, this.checkWebhook(repository), checkDeliveries(repository)];
  }

  /** The secrets by which a delivery may be signed, the current one first. */
  secretsOf({ _id: id, webhook }: RepositoryDocument): readonly string[] {
    const { secret, earlier } = webhook;
    const sealed = [secret];
    if (earlier && earlier.until.getTime() > Date.now()) sealed.push(earlier.secret);
    return sealed.map((text) => this.keyring.open(text, webhookContext(id)));
  }

  /** Notes that a good delivery has come; with the current secret, the earlier one is over. */
  async reached(repository: RepositoryDocument, byCurrentSecret: boolean): Promise<void> {
    const now = new Date();
    const { earlier, ...current } = repository.webhook;
    if (byCurrentSecret && earlier) {
      await this.repositories.changeWebhook(repository, { ...current, reached_at: now });
      return;
    }
    await this.repositories.webhookReached(repository._id, now);
  }

  /** Its page tells it, until a check finds that the forge can be asked again. */
  async noteProblem(id: string, { code, message }: ForgeError): Promise<void> {
    await this.repositories.setProblem(id, { code, message, at: new Date() });
  }

  /**
   * Does something in a repository at its forge; once more under its new name when it has moved.
   * @throws ForgeError
   */
  async atForge<T>(
    repository: RepositoryDocument,
    work: (forge: Forge, fullName: string) => Promise<T>,
  ): Promise<T> {
    const forge = this.forge(repository);
    try {
      return await work(forge, repository.full_name);
    } catch (error) {
      if (!(error instanceof ForgeError && error.code === 'moved')) throw error;
      return work(forge, (await this.refresh(repository)).full_name);
    }
  }

  /**
   * The repository as it is, where a payload names it otherwise: only the forge, asked by the id,
   * changes the connection. When the forge does not answer, as it was.
   */
  async asNamed(
    repository: RepositoryDocument,
    fullName: string | null,
  ): Promise<RepositoryDocument> {
    const isKnown = fullName === null || fullName === repository.full_name;
    if (isKnown || repository.api_url === '') return repository;
    try {
      return await this.refresh(repository);
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      this.logger.warn({ err: error, repositoryId: repository._id }, 'its new name is not known');
      return repository;
    }
  }

  /** The API of its forge. */
  private forge({ _id: id, forge: kind, api_url: apiUrl, token }: RepositoryDocument): Forge {
    return this.forges.at({
      kind,
      apiUrl,
      ...(token !== null && { token: this.keyring.open(token, tokenContext(id)) }),
    });
  }

  /** Where to clone it from, with its credential in the URL. */
  cloneUrl({ _id: id, forge, clone_url: url, token }: RepositoryDocument): string {
    if (token === null) return url;
    const parsed = new URL(url);
    parsed.username = USER_OF_TOKEN[forge];
    parsed.password = this.keyring.open(token, tokenContext(id));
    return parsed.href;
  }

  private async remote(
    address: ForgeAddress,
    { token, remoteId }: ConnectRequest,
  ): Promise<RemoteRepository> {
    if (address.apiUrl === '') {
      if (remoteId === undefined) {
        throw validationError('The repository cannot be connected.', {
          details: [{ path: 'remote_id', code: 'required', message: 'remote_id is missing' }],
          suggestions: ['Give `remote_id`: the project ID that GitLab shows on its page.'],
        });
      }
      return {
        id: remoteId,
        fullName: address.fullName,
        cloneUrl: `${address.webUrl}.git`,
        webUrl: address.webUrl,
        defaultBranch: 'main',
        isPrivate: true,
        canAdminister: false,
      };
    }
    const { forge: kind, apiUrl, fullName } = address;
    const forge = this.forges.at({ kind, apiUrl, ...(token !== undefined && { token }) });
    return forge.repositoryNamed(fullName).catch((error: unknown) => {
      throw error instanceof ForgeError ? forgeRefusal(error, token !== undefined) : error;
    });
  }

  private async makeWebhook(
    repository: RepositoryDocument,
    canAdminister: boolean,
  ): Promise<Connected> {
    const url = this.webhookUrl(repository._id);
    const [secret = ''] = this.secretsOf(repository);
    const toPaste = (why: string): Connected => ({ repository, paste: { url, secret }, why });
    if (url === null) {
      return toPaste('PUBLIC_URL is not set, so the forge cannot be told where this server is.');
    }
    if (!canAdminister) return toPaste('The credential may not make webhooks there.');
    try {
      const id = await this.atForge(repository, (forge, name) =>
        forge.ensureWebhook(name, { url, secret }),
      );
      const changed = await this.repositories.changeWebhook(repository, {
        ...repository.webhook,
        id,
      });
      return { repository: changed ?? (await this.get(repository._id)), paste: null, why: null };
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      return toPaste(error.message);
    }
  }

  private async checkForge(repository: RepositoryDocument): Promise<CheckedPart> {
    try {
      const { full_name: name } = await this.refresh(repository);
      await this.repositories.setProblem(repository._id, null);
      return { part: 'forge', state: 'works', message: `The forge knows it as ${name}.` };
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      return { part: 'forge', state: 'fails', message: error.message };
    }
  }

  private checkWebhook({ _id: id, full_name: name, webhook }: RepositoryDocument): CheckedPart {
    const part = 'webhook';
    if (webhook.id !== null) {
      return { part, state: 'works', message: 'Millrace has made the webhook at the forge.' };
    }
    if (webhook.reached_at !== null) {
      return { part, state: 'works', message: 'Somebody has pasted it at the forge.' };
    }
    const url = this.webhookUrl(id);
    if (url === null) {
      const message =
        'The forge cannot be told where this server is: set PUBLIC_URL, restart it, and connect again.';
      return { part, state: 'fails', message };
    }
    const message =
      `It is to be pasted at the forge, and the first delivery shows that it is there: ${url}. ` +
      `A new secret for it: ./millrace repositories rotate-secret ${name}`;
    return { part, state: 'not_seen', message };
  }

  /** What the forge tells of it now, by its id. @throws ForgeError */
  private async refresh(repository: RepositoryDocument): Promise<RepositoryDocument> {
    const remote = await this.forge(repository).repository(repository.remote_id);
    await this.repositories.change(repository._id, {
      full_name: remote.fullName,
      clone_url: remote.cloneUrl,
      web_url: remote.webUrl,
      default_branch: remote.defaultBranch,
    });
    return this.get(repository._id);
  }

  private webhookUrl(id: string): string | null {
    const { publicUrl } = this.config;
    return publicUrl === undefined ? null : `${publicUrl}/api/repositories/${id}/webhook`;
  }

  private newSecret(id: string): string {
    return this.keyring.seal(randomBytes(SECRET_BYTES).toString('base64url'), webhookContext(id));
  }
}

function checkDeliveries({ webhook: { reached_at: at } }: RepositoryDocument): CheckedPart {
  const part = 'deliveries';
  if (at !== null) {
    return { part, state: 'works', message: `The last delivery came at ${at.toISOString()}.` };
  }
  const message = 'None has come yet: push something, or send a test delivery at the forge.';
  return { part, state: 'not_seen', message };
}

/** The user name beside which each forge takes a token as the password. */
const USER_OF_TOKEN: Readonly<Record<ForgeKind, string>> = {
  github: 'x-access-token',
  gitea: 'x-access-token',
  gitlab: 'oauth2',
};

/** 404 */
export function noRepository(id: string): MillraceError {
  return notFound('repository', id, {
    suggestions: [
      '`./millrace repositories` (GET /api/repositories) lists those that are connected.',
    ],
  });
}

/** 409: two have made a new secret at once. */
export function secretJustChanged(): MillraceError {
  return conflict('The secret was just changed by somebody else.', {
    suggestions: ['Read the repository again, then decide whether it must change once more.'],
  });
}

/** What a user reads when the forge does not give what it was asked for. */
export function forgeRefusal(error: ForgeError, withToken: boolean): MillraceError {
  if (error.isPassing) {
    return new MillraceError('ExternalServiceError', error.message, {
      suggestions: [
        'Check the address; a private one must be allowed by ALLOW_PRIVATE_URLS.',
        'Try again in a minute.',
      ],
      cause: error,
    });
  }
  return new MillraceError('UnprocessableError', error.message, {
    details: { code: `forge_${error.code}` },
    suggestions: [
      error.code === 'moved'
        ? 'Open the address in the browser, and copy the one that it leads to.'
        : withToken
          ? 'Check that the token is still good and may read this repository and its webhooks.'
          : 'Give a `token` that may read this repository and make its webhooks.',
    ],
    cause: error,
  });
}
