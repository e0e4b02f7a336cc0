import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import { nameRecord } from '../../common/values/name-record.js';
import type { ClonedRefs, RunStatus } from '../../engine/plan/run-state.js';
import type { OutboxEvent } from './outbox-event.js';
import type { StepApproval, Suspension } from './suspension.js';
import type { StoredLogChunk } from './stored-log-chunk.js';
import type {
  StoredCommit,
  StoredFailure,
  StoredReason,
  StoredRun,
  StoredStage,
  StoredStep,
} from './stored-state.js';

/** What started an execution; the seed's `TriggerInfo`. */
export interface TriggerInfo {
  /** `manual`, `cli`…; a re-run has that of its original (`rerun` in records of older versions). */
  readonly trigger_type: string;
  /** Who or what caused the event; of a re-run as in its original. */
  readonly triggered_by: string;
  readonly timestamp: Date;
  /** As the trigger named it; after the checkout, of what was cloned. So are commit and tag. */
  readonly branch?: string;
  readonly commit_hash?: string;
  readonly tag?: string;
  /** Without credentials. */
  readonly repository?: string;
  /** Id of the execution that was run again. */
  readonly rerun_of?: string;
  /** Who asked for the re-run. */
  readonly rerun_by?: string;
  /** What is known of the event; absent: it came from no connected repository. */
  readonly event?: EventInfo;
}

/**
 * What whoever started an execution by hand has named, and whose text the pipeline was then. No
 * clone changes it, as it changes `TriggerInfo`.
 */
export interface AskedTrigger {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit_hash?: string;
  /** Of a pipeline that lives in a repository. */
  readonly source?: {
    readonly repository_id: string;
    /** The default branch whose text it was; absent: it was of another one. */
    readonly branch?: string;
  };
}

/** An event of a repository, as far as steps may know it; what is absent was not said. */
export interface EventInfo {
  /** Absent: no delivery has told it. */
  readonly delivery_id?: string;
  /** The connection. */
  readonly repository_id: string;
  /** `owner/name` */
  readonly repository: string;
  readonly default_branch: string;
  /** Of a pull request: it comes from another repository, or nobody can tell. */
  readonly fork: boolean;
  readonly before?: string;
  readonly message?: string;
  readonly author?: string;
  /** Of who caused the event, here, whether that one has ever logged in or not. */
  readonly actor_user_id?: string;
  /** Of the author of a fork's pull request, here; absent: not known. */
  readonly author_user_id?: string;
  /** Who approved the run of a fork; absent: it needed no approval. */
  readonly approved_by?: string;
  readonly title?: string;
  readonly base_branch?: string;
  readonly base_commit?: string;
  readonly head_branch?: string;
  readonly number?: number;
}

/** The trigger with what was cloned instead of what was asked for; as it is before the checkout. */
export function triggerOfCloned(info: TriggerInfo, cloned: ClonedRefs | undefined): TriggerInfo {
  if (cloned === undefined) return info;
  const { commit, ...names } = cloned;
  return { ...info, ...names, commit_hash: commit };
}

/** The state as it is stored while the execution runs, and told at once before that. */
export interface Progress extends StoredRun {
  readonly started_at: Date | null;
  /** After the checkout it says what was cloned. */
  readonly trigger_info: TriggerInfo;
}

/**
 * One placement of the execution on a worker. Its place in the list, from 1, is the number of the
 * execution attempt and its fence: both rise with every claim.
 */
export interface Placement {
  /** By which a worker whose claim got no answer sees that it was its own. */
  readonly claim_id: string;
  readonly worker_id: string;
  readonly worker_name: string;
  readonly claimed_at: Date;
  /**
   * Set when the attempt is over but the execution is not: log lines beyond it came too late and
   * are not read.
   */
  readonly last_seq?: number;
  /** The attempt never closed its log: lines of it may be missing. */
  readonly log_lost?: boolean;
  /** Why it ended without an end of the execution. */
  readonly reason?: StoredReason;
}

/**
 * A user's request to end the execution; once it is there, the execution can only end `cancelled`.
 */
export interface CancelRequest {
  readonly at: Date;
  readonly by: string;
  readonly reason?: string;
}

/** One run of one pipeline version. The document is the truth; the BullMQ job is only a hint. */
@Schema({ collection: 'executions', versionKey: false, minimize: false, strictQuery: 'throw' })
export class ExecutionRecord {
  @Prop({ type: String, required: true })
  _id!: string;

  @Prop({ type: String, required: true })
  pipeline_id!: string;

  @Prop({ type: String, required: true })
  pipeline_name!: string;

  @Prop({ type: Number, required: true })
  pipeline_version!: number;

  /** Counted for each pipeline from 1; null in records of older versions. */
  @Prop({ type: Number, default: null })
  number!: number | null;

  /** Pipeline and number in one, so that the store gives none twice. */
  @Prop({ type: String })
  number_key?: string;

  @Prop({ type: String, required: true })
  plan_hash!: string;

  @Prop({ type: String, required: true })
  status!: RunStatus;

  /** Why it is in this status. */
  @Prop({ type: Object, default: null })
  reason!: StoredReason | null;

  @Prop({ type: Object, required: true })
  trigger_info!: TriggerInfo;

  /** Absent: nobody started it by hand, or an older version has accepted it. As in its original. */
  @Prop({ type: Object })
  asked?: AskedTrigger;

  /** The four below, sealed: `sealedExecution`. They are fields of documents of older versions. */
  @Prop({ type: String })
  sealed?: string;

  /** The clone URL of the trigger as it was given, credentials included; no answer shows it. */
  @Prop({ type: String })
  clone_url!: string | null;

  /** The body of the webhook that asked for it; no answer shows it. Absent: there is none. */
  @Prop({ type: String })
  payload?: string;

  @Prop({ type: Object })
  inputs!: Record<string, string | number | boolean>;

  /** The trigger's own variables. */
  @Prop({ type: Object })
  environment!: Record<string, string>;

  /** Never stored: why the four above are empty although the trigger may have given something. */
  unreadable?: Error;

  /**
   * W3C `traceparent` of the request that asked for it, when traces are on: all that follows is one
   * trace.
   */
  @Prop({ type: String })
  trace_parent?: string;

  /** Queue that its jobs go to. */
  @Prop({ type: String, required: true })
  queue!: string;

  /** Number of the last job that was made for it; part of the job's id. */
  @Prop({ type: Number, required: true })
  enqueue_number!: number;

  @Prop({ type: Date, required: true })
  queued_at!: Date;

  /**
   * Execution attempts so far. Everything that an attempt writes carries this number as its fence.
   */
  @Prop({ type: Number, required: true })
  attempt!: number;

  @Prop({ type: [Object], required: true })
  placements!: Placement[];

  /** Attempts that ended with a lost worker: these cost a retry. */
  @Prop({ type: Number, required: true })
  workers_lost!: number;

  @Prop({ type: Object, default: null })
  cancel_requested!: CancelRequest | null;

  @Prop({ type: String, default: null })
  rerun_of!: string | null;

  @Prop({ type: Date, default: null })
  started_at!: Date | null;

  @Prop({ type: Date, default: null })
  finished_at!: Date | null;

  /** Milliseconds from the first `running` to the end. */
  @Prop({ type: Number, default: null })
  duration!: number | null;

  /** Milliseconds of that in which it was `waiting`, of waits that are over; absent: none. */
  @Prop({ type: Number })
  waited?: number;

  @Prop({ type: Object, default: null })
  checkout!: StoredStep | null;

  @Prop({ type: [Object], required: true })
  stages!: readonly StoredStage[];

  @Prop({ type: [Object], required: true })
  on_failure!: readonly StoredStep[];

  @Prop({ type: [Object], required: true })
  always!: readonly StoredStep[];

  @Prop({ type: Object, default: null })
  failure!: StoredFailure | null;

  @Prop({ type: Object, default: null })
  commit!: StoredCommit | null;

  /** The last 100 log lines, once it is over; before that they are read from the log. */
  @Prop({ type: [String], required: true })
  logs!: readonly string[];

  /**
   * The end of the log of the last attempt, where it is small: stored by the same write that tells
   * the end.
   */
  @Prop({ type: Object, default: null })
  last_log_chunk!: StoredLogChunk | null;

  /** Number of the last log line. */
  @Prop({ type: Number, required: true })
  last_seq!: number;

  /** What people have said to steps that wait for them, the first first; absent: nothing. */
  @Prop({ type: [Object], default: undefined })
  approvals?: readonly StepApproval[];

  /** Number of `approvals`: whoever decides by them decides by all of them. */
  @Prop({ type: Number })
  approvals_given?: number | null;

  /** Where it continues, or has continued last; absent: it was never suspended. */
  @Prop({ type: Object })
  suspension?: Suspension;

  /** From when on somebody looks whether one that is `waiting` waits still; absent: never. */
  @Prop({ type: Date })
  waits_until?: Date;

  /** A workspace of it is kept, or may be; somebody removes it once the execution is over. */
  @Prop({ type: Boolean })
  keeps_workspace?: true;

  /** News of it that not all who want them have taken, oldest first; absent when there are none. */
  @Prop({ type: [Object], default: undefined })
  outbox?: readonly OutboxEvent[];

  /** From when on the relay looks at the outbox; there exactly while the outbox is. */
  @Prop({ type: Date })
  outbox_due?: Date;

  @Prop({ type: Date, required: true })
  created_at!: Date;

  @Prop({ type: Date, required: true })
  updated_at!: Date;
}

export const ExecutionSchema = SchemaFactory.createForClass(ExecutionRecord);

/** Fields that a list of executions, newest first, may be filtered by. */
export type ListField = 'pipeline_id' | 'status' | 'trigger_info.branch';

/**
 * Each list is read in the order of one of these, so that a page costs by its size and not by what
 * is stored.
 */
const LISTED_BY: readonly (readonly ListField[])[] = [
  ['pipeline_id', 'status'],
  ['pipeline_id', 'trigger_info.branch'],
  ['status', 'trigger_info.branch'],
  ['pipeline_id'],
  ['status'],
  ['trigger_info.branch'],
];

export type ListIndex = Readonly<Record<string, 1 | -1>>;

/**
 * The index that holds the executions of a filter by these fields, newest first; the primary key
 * for none.
 */
export function indexForLists(fields: ReadonlySet<string>): ListIndex {
  const best = LISTED_BY.find((each) => each.every((field) => fields.has(field))) ?? [];
  return newestOf(best);
}

function newestOf(fields: readonly ListField[]): ListIndex {
  const keys = fields.map((field): [string, 1] => [field, 1]);
  return keys.length === 0 ? { _id: 1 } : { ...nameRecord(keys), _id: -1 };
}

for (const fields of LISTED_BY) ExecutionSchema.index(newestOf(fields));
// Sparse: executions of older versions have none.
ExecutionSchema.index({ number_key: 1 }, { unique: true, sparse: true });
// Sparse: an execution that never waited costs nothing here.
ExecutionSchema.index({ keeps_workspace: 1 }, { sparse: true });
ExecutionSchema.index({ waits_until: 1 }, { sparse: true });
// Sparse: an execution without news costs nothing here.
ExecutionSchema.index({ outbox_due: 1 }, { sparse: true });
