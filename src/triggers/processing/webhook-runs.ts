import { Injectable } from '@nestjs/common';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Audit } from '../../common/audit/audit.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { mergedNames } from '../../common/values/name-record.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import { AcceptExecution } from '../../executions/acceptance/accept-execution.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import { type PipelineDecision, PipelineDecider } from '../decisions/pipeline-decider.js';
import { triggerOf } from '../decisions/trigger-of.js';
import { DeliveriesRepository } from '../deliveries/deliveries.repository.js';
import type { DeliveryDocument, StoredDecision } from '../deliveries/delivery.schema.js';
import { decisionsOf } from '../deliveries/dto/delivery.response.js';

const decompress = promisify(gunzip);
/** Longer bodies are no value of a variable, and make no execution large. */
export const MAX_PAYLOAD_BYTES = 32 * 1024;

/** Decides and starts what the webhook of one pipeline asks for, as often as after a crash. */
@Injectable()
export class WebhookRuns {
  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly pipelines: PipelinesService,
    private readonly repositories: RepositoriesService,
    private readonly decider: PipelineDecider,
    private readonly acceptance: AcceptExecution,
    private readonly audit: Audit,
  ) {}

  /** One delivery to its end. Rejects when the database does. */
  async process(delivery: DeliveryDocument): Promise<void> {
    const { _id: id } = delivery;
    const decided = delivery.status === 'decided' ? delivery : await this.decide(delivery);
    if (decided?.status !== 'decided') return;
    failPoint('delivery_decided');
    if (decided.dry_run !== true) {
      for (const decision of decisionsOf(decided)) await this.start(decided, decision);
    }
    await this.deliveries.end(id, { status: 'done', reason: null });
  }

  private async decide({
    _id: id,
    pipeline_id: pipelineId = '',
    dry_run: isDryRun,
  }: DeliveryDocument): Promise<DeliveryDocument | undefined> {
    const decision = await this.decider.decide(pipelineId, 'webhook').catch(nothing);
    if (decision === undefined) {
      const reason = { code: 'pipeline_gone', message: 'The pipeline was deleted.' };
      await this.deliveries.end(id, { status: 'ignored', reason });
      return undefined;
    }
    const stored = storedDecision(decision, isDryRun === true);
    return this.deliveries.decide(id, { decisions: JSON.stringify([stored]) });
  }

  private async start(delivery: DeliveryDocument, decision: StoredDecision): Promise<void> {
    const { pipeline_id: pipelineId, version: number, execution_id: executionId } = decision;
    if (pipelineId === null || number === null || executionId === null) return;
    // Of a try before this one the execution may be there.
    if (await this.acceptance.acceptedBefore({ id: executionId, repeated: true })) return;
    const version = await this.pipelines.getVersion(pipelineId, number).catch(nothing);
    if (version === undefined) return;
    const repository = await this.decider.repositoryOf(version);
    const payload = await this.payload(delivery);
    await this.acceptance.accept(executionId, {
      pipeline_id: pipelineId,
      pipeline_name: version.pipelineName,
      pipeline_version: number,
      plan_hash: version.planHash,
      plan: version.plan,
      inputs: resolveInputs(version.definition, {}).inputs,
      environment: mergedNames(undefined),
      trigger_info: triggerOf('webhook', delivery.received_at, repository),
      clone_url: repository ? this.repositories.cloneUrl(repository) : null,
      rerun_of: null,
      ...(payload !== undefined && { payload }),
    });
    this.audit.note({
      action: 'executions.trigger',
      actor: { kind: 'forge', id: pipelineId, name: 'webhook', credential: '' },
      target: { kind: 'execution', id: executionId, name: version.pipelineName },
      details: { trigger_type: 'webhook', delivery_id: delivery._id },
    });
  }

  /** Undefined: it is no text that a step can be given. */
  private async payload({ _id: id, size }: DeliveryDocument): Promise<string | undefined> {
    if (size > MAX_PAYLOAD_BYTES) return undefined;
    const packed = await this.deliveries.body(id);
    if (packed === undefined) return undefined;
    const body = await decompress(packed);
    const text = body.toString('utf8');
    // No variable holds a NUL.
    return Buffer.from(text).equals(body) && !text.includes('\0') ? text : undefined;
  }
}

function storedDecision(
  { starts, reason, parts, rules, version }: PipelineDecision,
  isDryRun: boolean,
): StoredDecision {
  return {
    pipeline_id: version.pipelineId,
    pipeline_name: version.pipelineName,
    path: version.source?.path ?? null,
    version: version.number,
    starts,
    reason,
    parts,
    rules,
    execution_id: starts && !isDryRun ? uuidV7() : null,
  };
}

function nothing(error: unknown): undefined {
  if (error instanceof MillraceError && error.kind === 'NotFoundError') return undefined;
  throw error;
}
