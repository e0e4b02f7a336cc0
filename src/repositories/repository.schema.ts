import { Schema } from 'mongoose';
import type { ForgeKind } from '../integrations/forge/forge-event.js';
import type { ForkPolicy } from '../engine/triggers/fork-policy.js';

export const REPOSITORY_MODEL = 'Repository';

/** What people decide of a connection. */
export interface RepositorySettings {
  /** What a run of a pull request from another repository needs. */
  readonly forks: ForkPolicy;
  /**
   * Accounts that may approve such a run, of those who may approve at all; empty: all of these.
   * Absent in connections of older versions: empty.
   */
  readonly fork_approvers?: readonly string[];
  /**
   * Tell the forge of pipelines that start nothing since other files were changed: a check that it
   * requires would wait for ever. Absent: false.
   */
  readonly report_skipped?: boolean;
  /** Patterns: runs of these tags get protected secrets. Absent: none. */
  readonly protected_tags?: readonly string[];
}

/** The settings of a connection, with what is absent in those of older versions. */
export function settingsOf({
  forks,
  fork_approvers = [],
  report_skipped = false,
  protected_tags = [],
}: RepositorySettings): Required<RepositorySettings> {
  return { forks, fork_approvers, report_skipped, protected_tags };
}

/** A connected repository: where it is, and how Millrace and its forge know each other. */
export interface RepositoryDocument extends RepositorySettings {
  /** Made from forge and `remote_id`: connecting again is the same connection. */
  readonly _id: string;
  readonly forge: ForgeKind;
  /** `https://api.github.com`; empty for a forge whose API is not used. */
  readonly api_url: string;
  /** Its id at the forge: stays when it is renamed or moved. A payload of another id is refused. */
  readonly remote_id: string;
  /** `owner/name` as the forge said last. */
  readonly full_name: string;
  /** Without credentials. */
  readonly clone_url: string;
  readonly web_url: string;
  readonly default_branch: string;
  /** The credential for API and clones, sealed; null: as anybody. */
  readonly token: string | null;
  readonly webhook: StoredWebhook;
  /** Why the forge cannot be asked any more; null = it can. */
  readonly problem: StoredProblem | null;
  readonly created_by: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface StoredProblem {
  readonly code: string;
  readonly message: string;
  readonly at: Date;
}

export interface StoredWebhook {
  /** Sealed. */
  readonly secret: string;
  /** The secret before, sealed: accepted until the new one was seen, a day at most. */
  readonly earlier?: { readonly secret: string; readonly until: Date };
  /** Id at the forge; null: somebody has to paste it there. */
  readonly id: string | null;
  /** When a delivery with a good signature came last; null = never. */
  readonly reached_at: Date | null;
}

export const repositorySchema = new Schema(
  {
    _id: { type: String, required: true },
    forge: { type: String, required: true },
    api_url: { type: String },
    remote_id: { type: String, required: true },
    full_name: { type: String, required: true },
    clone_url: { type: String, required: true },
    web_url: { type: String, required: true },
    default_branch: { type: String, required: true },
    token: { type: String },
    webhook: { type: Schema.Types.Mixed, required: true },
    forks: { type: String, required: true },
    fork_approvers: { type: [String], default: undefined },
    report_skipped: { type: Boolean },
    protected_tags: { type: [String], default: undefined },
    problem: { type: Schema.Types.Mixed },
    created_by: { type: String, required: true },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  {
    collection: 'repositories',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
).index({ forge: 1, remote_id: 1 });
