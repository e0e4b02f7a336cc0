import { Schema } from 'mongoose';

export const DEPLOYMENT_MODEL = 'Deployment';
export const RELEASE_MODEL = 'Release';
export const SERVICE_MODEL = 'Service';
export const SEALED_TEXT_MODEL = 'DeploymentSecret';

const options = {
  versionKey: false,
  id: false,
  strictQuery: 'throw',
  minimize: false,
} as const;
const { Mixed } = Schema.Types;
const text = { type: String } as const;
const needed = { type: String, required: true } as const;

export const deploymentSchema = new Schema(
  {
    _id: needed,
    request_key: needed,
    kind: needed,
    service_id: needed,
    environment: needed,
    service: needed,
    turn: { type: Number, required: true },
    type: needed,
    settings: { type: Mixed, required: true },
    unit: { type: Mixed },
    parts: { type: Mixed },
    host: needed,
    status: needed,
    phase: text,
    phases: { type: Mixed, required: true },
    reason: { type: Mixed },
    warnings: { type: Mixed, required: true },
    worker_id: text,
    fence: { type: Number, required: true },
    release_id: text,
    is_armed: { type: Boolean },
    previous_release_id: text,
    execution_id: text,
    pipeline_id: text,
    pipeline_name: text,
    stage: text,
    step: text,
    commit: text,
    branch: text,
    triggered_by: needed,
    cancel_requested_by: text,
    logs: { type: [String], required: true },
    cause: { type: Mixed },
    approvals: { type: Mixed },
    gate: text,
    source_release_id: text,
    created_at: { type: Date, required: true },
    started_at: { type: Date },
    finished_at: { type: Date },
  },
  { collection: 'deployments', ...options },
)
  .index({ request_key: 1 }, { unique: true })
  .index({ service_id: 1, turn: 1 })
  .index({ host: 1, status: 1 })
  .index({ environment: 1, status: 1 })
  .index({ execution_id: 1 });

export const releaseSchema = new Schema(
  {
    _id: needed,
    service_id: needed,
    environment: needed,
    service: needed,
    number: { type: Number, required: true },
    type: needed,
    settings: { type: Mixed, required: true },
    parts: { type: Mixed },
    host: needed,
    status: needed,
    deployment_id: needed,
    execution_id: text,
    dated_by: text,
    pipeline_id: text,
    commit: text,
    digest: text,
    files: { type: Number, required: true },
    bytes: { type: Number, required: true },
    created_at: { type: Date, required: true },
    served_at: { type: Date },
    drain_until: { type: Date },
    watch_until: { type: Date },
  },
  { collection: 'releases', ...options },
).index({ service_id: 1, number: -1 });

export const serviceSchema = new Schema(
  {
    _id: needed,
    id: needed,
    name: needed,
    environment: needed,
    service_type: needed,
    unit: text,
    host: needed,
    place: needed,
    status: needed,
    release_id: text,
    deployment_id: text,
    process_id: { type: Number },
    active: text,
    turns: { type: Number, required: true },
    releases: { type: Number, required: true },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  { collection: 'services', ...options },
)
  .index({ place: 1 }, { unique: true })
  .index({ id: 1 });

export const SEALED_TEXTS = 'deployment_secrets';

export const sealedTextSchema = new Schema(
  { _id: needed, sealed: needed, created_at: { type: Date, required: true } },
  { collection: SEALED_TEXTS, ...options },
);
