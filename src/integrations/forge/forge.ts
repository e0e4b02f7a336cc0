import type { ForgeKind } from './forge-event.js';

/** A repository as its forge tells of it. */
export interface RemoteRepository {
  /** Stays when it is renamed or moved. */
  readonly id: string;
  /** `owner/name` */
  readonly fullName: string;
  /** `https://…`, without credentials. */
  readonly cloneUrl: string;
  /** Of its page, for people. */
  readonly webUrl: string;
  readonly defaultBranch: string;
  readonly isPrivate: boolean;
  /** Whether the credential may make webhooks. */
  readonly canAdminister: boolean;
}

export interface WebhookWanted {
  readonly url: string;
  readonly secret: string;
}

export type CommitState = 'pending' | 'success' | 'failure' | 'error';

/** What a forge shows on a commit. */
export interface CommitStatus {
  /** By which two statuses of one commit are told apart: `millrace/shop`. */
  readonly context: string;
  readonly state: CommitState;
  /** One line, at most 140 characters. */
  readonly description: string;
  readonly targetUrl?: string;
}

export type ForgeErrorCode =
  | 'unauthorized' // the credential is not (or no longer) good
  | 'forbidden' // it is good and may not do this
  | 'not_found'
  | 'moved' // it has another name now, by which it must be asked for
  | 'refused' // what was asked for is not possible; asking again does not help
  | 'rate_limited'
  | 'unreachable'; // no answer, or one that is none

/** The only error of a forge. Its message holds neither credentials nor texts of the forge. */
export class ForgeError extends Error {
  constructor(
    readonly code: ForgeErrorCode,
    message: string,
    /** When asking again makes sense; with `rate_limited`. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
    this.name = 'ForgeError';
  }

  /** Whether it may pass by itself. */
  get isPassing(): boolean {
    return this.code === 'rate_limited' || this.code === 'unreachable';
  }
}

/**
 * Port: the API of one forge, with one credential. Adapters: GitHub (and Enterprise), Gitea (and
 * Forgejo), and a fake; all pass `forge.contract.spec.ts`. Every method rejects with a `ForgeError`
 * within 20 s, may be called concurrently, and is idempotent.
 */
export abstract class Forge {
  abstract readonly kind: ForgeKind;
  /** By `owner/name`. */
  abstract repositoryNamed(fullName: string): Promise<RemoteRepository>;
  /** By its id; finds it after a rename too. */
  abstract repository(id: string): Promise<RemoteRepository>;
  /** Makes the webhook, or brings the one with this URL up to date. Answers its id. */
  abstract ensureWebhook(fullName: string, wanted: WebhookWanted): Promise<string>;
  /** Not there is removed. */
  abstract removeWebhook(fullName: string, id: string): Promise<void>;
  abstract setStatus(fullName: string, commit: string, status: CommitStatus): Promise<void>;
  /**
   * Has deliveries of a webhook that have failed since then sent again, at most three times each.
   * Answers how many; none where the forge keeps no list of them.
   */
  abstract redeliverFailed(fullName: string, webhookId: string, since: Date): Promise<number>;
  /** SHAs of all branches by their names. */
  abstract heads(fullName: string): Promise<ReadonlyMap<string, string>>;
}

/** Where a forge is, and who asks. */
export interface ForgeAccess {
  readonly kind: ForgeKind;
  /** `https://api.github.com`, `https://git.example.org/api/v1` */
  readonly apiUrl: string;
  /** Undefined: as anybody. */
  readonly token?: string;
}

/** Makes the adapter of a forge. */
export abstract class Forges {
  /** @throws ForgeError `refused`: this kind of forge has no API that is used */
  abstract at(access: ForgeAccess): Forge;
}
