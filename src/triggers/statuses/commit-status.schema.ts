import { Schema } from 'mongoose';
import type { CommitState } from '../../integrations/forge/forge.js';

export const COMMIT_STATUS_MODEL = 'CommitStatus';

/** What a forge shows of a commit. */
export interface ForgeStatus {
  readonly state: CommitState;
  readonly description: string;
}

/**
 * What a forge shows of one pipeline and kind of event on one commit. It is kept until the forge
 * has it: a run's result never depends on it.
 */
export interface CommitStatusDocument {
  /** `<repository>:<commit>:<context>` */
  readonly _id: string;
  readonly repository_id: string;
  readonly commit: string;
  readonly context: string;
  /** The newest execution of these; null: nothing ran, `fixed` says why. */
  readonly execution_id: string | null;
  readonly fixed: ForgeStatus | null;
  readonly sent: ForgeStatus | null;
  /** Nothing more is to be sent. */
  readonly done: boolean;
  /** When it is looked at next. */
  readonly due: Date;
  /** How often in a row it could not be sent. */
  readonly tries: number;
  readonly problem: string | null;
}

export const commitStatusSchema = new Schema(
  {
    _id: { type: String, required: true },
    repository_id: { type: String, required: true },
    commit: { type: String, required: true },
    context: { type: String, required: true },
    execution_id: { type: String },
    fixed: { type: Schema.Types.Mixed },
    sent: { type: Schema.Types.Mixed },
    done: { type: Boolean, required: true },
    due: { type: Date, required: true },
    tries: { type: Number, required: true },
    problem: { type: String },
  },
  {
    collection: 'commit_statuses',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
).index({ done: 1, due: 1 });
