import { Schema } from 'mongoose';
import { neededText, plainDocuments } from '../../common/schema-parts.js';

export const DEPLOYMENT_MODEL = 'Deployment';
export const RELEASE_MODEL = 'Release';
export const SERVICE_MODEL = 'Service';
export const SEALED_TEXT_MODEL = 'DeploymentSecret';

const { Mixed } = Schema.Types;
const text = { type: String } as const;

export const deploymentSchema = new Schema(
  {
    _id: neededText,
    request_key: neededText,
    kind: neededText,
    service_id: neededText,
    environment: neededText,
    service: neededText,
    turn: { type: Number, required: true },
    type: neededText,
    settings: { type: Mixed, required: true },
    direct: { type: Mixed },
    unit: { type: Mixed },
    parts: { type: Mixed },
    host: neededText,
    status: neededText,
    phase: text,
    phases: { type: Mixed, required: true },
    reason: { type: Mixed },
    warnings: { type: Mixed, required: true },
    worker_id: text,
    fence: { type: Number, required: true },
    release_id: text,
    message: text,
    is_armed: { type: Boolean },
    instance: { type: Number },
    failed_release_id: text,
    watched: { type: Mixed },
    previous_release_id: text,
    execution_id: text,
    pipeline_id: text,
    pipeline_name: text,
    stage: text,
    step: text,
    commit: text,
    branch: text,
    triggered_by: neededText,
    cancel_requested_by: text,
    logs: { type: [String], required: true },
    cause: { type: Mixed },
    approvals: { type: Mixed },
    gate: text,
    source_release_id: text,
    suspended_in: { type: Number },
    expires_at: { type: Date },
    approved_files: { type: Mixed },
    images_on: { type: String },
    created_at: { type: Date, required: true },
    started_at: { type: Date },
    finished_at: { type: Date },
  },
  { collection: 'deployments', ...plainDocuments },
)
  .index({ request_key: 1 }, { unique: true })
  .index({ service_id: 1, turn: 1 })
  .index({ host: 1, status: 1 })
  .index({ environment: 1, status: 1 })
  .index({ execution_id: 1 });

export const releaseSchema = new Schema(
  {
    _id: neededText,
    service_id: neededText,
    environment: neededText,
    service: neededText,
    number: { type: Number, required: true },
    type: neededText,
    settings: { type: Mixed, required: true },
    parts: { type: Mixed },
    host: neededText,
    status: neededText,
    deployment_id: neededText,
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
    drains_since: { type: Date },
    watch_until: { type: Date },
    instance: { type: Number },
    draining_instances: { type: Mixed },
  },
  { collection: 'releases', ...plainDocuments },
).index({ service_id: 1, number: -1 });

export const serviceSchema = new Schema(
  {
    _id: neededText,
    id: neededText,
    name: neededText,
    environment: neededText,
    service_type: neededText,
    unit: text,
    host: neededText,
    place: neededText,
    status: neededText,
    release_id: text,
    deployment_id: text,
    process_id: { type: Number },
    problem: { type: Mixed },
    stopped: { type: Mixed },
    active: text,
    turns: { type: Number, required: true },
    releases: { type: Number, required: true },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  { collection: 'services', ...plainDocuments },
)
  .index({ place: 1 }, { unique: true })
  .index({ id: 1 });

export const SEALED_TEXTS = 'deployment_secrets';

export const sealedTextSchema = new Schema(
  { _id: neededText, sealed: neededText, created_at: { type: Date, required: true } },
  { collection: SEALED_TEXTS, ...plainDocuments },
);
