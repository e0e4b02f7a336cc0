/** Forges whose webhooks are understood. `github` is GitHub Enterprise too, `gitea` Forgejo too. */
export const FORGE_KINDS = ['github', 'gitea', 'gitlab'] as const;
export type ForgeKind = (typeof FORGE_KINDS)[number];

export const EVENT_KINDS = ['push', 'tag', 'pull_request'] as const;

/**
 * What happened in a repository, in one form for all forges. What a forge does not say is null and
 * never guessed. All texts are untrusted.
 */
export interface ForgeEvent {
  readonly kind: (typeof EVENT_KINDS)[number];
  /** The branch that was pushed; null for tags and pull requests. */
  readonly branch: string | null;
  readonly tag: string | null;
  /** What the ref was before; null = it is new. */
  readonly before: string | null;
  /**
   * What is to be built: the head of the push or of the pull request, of an annotated tag the
   * commit where the forge tells it; null = the ref was deleted.
   */
  readonly commit: string | null;
  /** Where a pull request is to be merged into. */
  readonly base: ForgeRef | null;
  /** Where a pull request comes from. */
  readonly head: ForgeRef | null;
  /** Of the pull request. */
  readonly number: number | null;
  /** What happened to a pull request, in GitHub's words: `opened`, `synchronize`… */
  readonly action: string | null;
  /** The base branch of the pull request has changed (with `edited`). */
  readonly baseChanged: boolean;
  readonly title: string | null;
  /** Of the head commit of a push. */
  readonly message: string | null;
  /** Of the pull request, or of the head commit of a push. */
  readonly author: ForgePerson | null;
  /** Who caused the event. */
  readonly actor: ForgePerson | null;
  /**
   * Of a push: deleted files too, renamed ones under both names. `unknown` = the payload cannot
   * tell.
   */
  readonly changedPaths: readonly string[] | 'unknown';
  readonly labels: readonly string[];
  readonly draft: boolean;
  /** Of a pull request: from another repository, or from one that nobody can tell. */
  readonly fork: boolean;
}

/** What nobody has told. */
export const BLANK_EVENT = {
  branch: null,
  tag: null,
  before: null,
  commit: null,
  base: null,
  head: null,
  number: null,
  action: null,
  baseChanged: false,
  title: null,
  message: null,
  author: null,
  actor: null,
  changedPaths: 'unknown',
  labels: [],
  draft: false,
  fork: false,
} as const satisfies Omit<ForgeEvent, 'kind'>;

export interface ForgeRef {
  readonly branch: string | null;
  readonly commit: string | null;
  /** Id of the repository at the forge; null = it is gone, or not known. */
  readonly repositoryId: string | null;
  /** Without credentials. */
  readonly cloneUrl: string | null;
}

export interface ForgePerson {
  /** At the forge; names and e-mails link nothing. */
  readonly id: string | null;
  readonly name: string | null;
  readonly email: string | null;
}

/** The repository that a payload is about. */
export interface ForgeRepository {
  /** Stays when the repository is renamed or moved. */
  readonly id: string;
  /** `owner/name` */
  readonly fullName: string | null;
}

/** An event of a webhook that starts nothing, with the reason. */
export interface IgnoredEvent {
  readonly ignored: 'ping' | 'unknown_event' | 'unknown_ref' | 'malformed';
  readonly message: string;
}
