import { Injectable, Logger } from '@nestjs/common';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Audit, type AuditEntry } from '../../common/audit/audit.js';
import { whenBothEnd } from '../../common/async/when-both-end.js';
import { failPoint } from '../../common/fail-point.js';
import { mergedNames } from '../../common/values/name-record.js';
import { sayUrl } from '../../common/values/repository-url.js';
import { AcceptExecution } from '../../executions/acceptance/accept-execution.js';
import type { TriggerInfo } from '../../executions/record/execution.schema.js';
import { GitError } from '../../integrations/git/git-client.js';
import type { ForgeEvent, IgnoredEvent } from '../../integrations/forge/forge-event.js';
import { Payload } from '../../integrations/forge/webhooks/payload.js';
import { webhookDialect } from '../../integrations/forge/webhooks/webhook-dialects.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import {
  PipelinesService,
  type RunnableVersion,
} from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { CommitStatusesRepository } from '../statuses/commit-statuses.repository.js';
import { ClosedPullRequests } from '../pull-requests/closed-pull-requests.js';
import { Superseder } from '../supersede/superseder.js';
import { contextOf, oneLine, statusOfSkipped } from '../statuses/status-of.js';
import { actorUserId, authorUserId } from '../decisions/author-user-id.js';
import { DeliveryDecider } from '../decisions/delivery-decider.js';
import { DeliveriesRepository } from '../deliveries/deliveries.repository.js';
import { missedPushEvent } from '../deliveries/missed-push.js';
import { WebhookRuns } from './webhook-runs.js';
import { PushClaims } from '../heads/push-claims.js';
import type { DeliveryDocument, StoredDecision } from '../deliveries/delivery.schema.js';
import { decisionsOf } from '../deliveries/dto/delivery.response.js';

const decompress = promisify(gunzip);

interface ReadDelivery {
  readonly event: ForgeEvent | IgnoredEvent;
  readonly fullName: string | null;
}

/**
 * Decides deliveries and starts what they start. Everything may be done again after a crash: the
 * decisions are stored, with the ids of their executions, before the first one is accepted.
 */
@Injectable()
export class DeliveriesProcessor {
  private readonly logger = new Logger(DeliveriesProcessor.name);

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly repositories: RepositoriesService,
    private readonly decider: DeliveryDecider,
    private readonly pipelines: PipelinesService,
    private readonly acceptance: AcceptExecution,
    private readonly statuses: CommitStatusesRepository,
    private readonly audit: Audit,
    private readonly superseder: Superseder,
    private readonly closedPullRequests: ClosedPullRequests,
    private readonly claims: PushClaims,
    private readonly webhookRuns: WebhookRuns,
  ) {}

  /**
   * One delivery to its end, or as far as it gets: the reconciler offers it again. Rejects when the
   * database does.
   */
  async process(id: string): Promise<void> {
    const delivery = await this.deliveries.find(id);
    if (!delivery || (delivery.status !== 'received' && delivery.status !== 'decided')) return;
    const { repository_id: repositoryId } = delivery;
    if (repositoryId === null) return this.webhookRuns.process(delivery);
    const connected = await this.repositories.find(repositoryId);
    if (!connected) {
      return this.ignore(id, 'repository_gone', 'Its repository is not connected any more.');
    }
    const { event: sent, fullName } = await this.read(delivery);
    if ('ignored' in sent) return this.ignore(id, sent.ignored, sent.message);
    if (delivery.status === 'received') {
      const decidedBy = await this.claims.claim(delivery, sent);
      if (decidedBy !== undefined) return this.leave(delivery, sent, decidedBy);
    }
    const repository = await this.repositories.asNamed(connected, fullName);
    const decided =
      delivery.status === 'decided' ? delivery : await this.decide(delivery, repository, sent);
    if (!decided || decided.status !== 'decided') return;
    failPoint('delivery_decided');
    const event = { ...sent, ...factsOf(decided) };
    await whenBothEnd(this.claims.note(decided, event), this.follow(decided, repository, event));
    await this.deliveries.end(id, { status: 'done', reason: null });
  }

  /** Does what was decided; of a try before this one some of it may be done. */
  private async follow(
    decided: DeliveryDocument,
    repository: RepositoryDocument,
    event: ForgeEvent,
  ): Promise<void> {
    if (decided.dry_run === true) return;
    const decisions = decisionsOf(decided);
    if (event.action === 'closed' && event.number !== null) {
      const { number } = event;
      await this.closedPullRequests.end({ delivery: decided, number, decisions });
    }
    for (const decision of decisions) {
      // Before the execution: whatever dies then, its status is sent to the forge.
      await this.wantStatus(repository, event, decision);
      if (decision.starts) await this.start(decided, repository, event, decision);
      else await this.refuse(decided, repository, event, decision);
    }
  }

  /** Undefined: it cannot be decided now. */
  private async decide(
    { _id: id, dry_run: isDryRun }: DeliveryDocument,
    repository: RepositoryDocument,
    event: ForgeEvent,
  ): Promise<DeliveryDocument | undefined> {
    try {
      const { event: known, decisions } = await this.decider.decide(repository, event);
      const shown = isDryRun
        ? decisions.map((each) => ({ ...each, execution_id: null }))
        : decisions;
      const { message, author } = known;
      const facts = known === event ? undefined : JSON.stringify({ message, author });
      const { branch, tag, number, commit } = known;
      return await this.deliveries.decide(id, {
        decisions: JSON.stringify(shown),
        facts,
        subject: { branch, tag, number, commit },
      });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      this.logger.warn({ err: error, deliveryId: id }, 'the definitions cannot be read now');
      await this.deliveries.setProblem(id, `The pipelines cannot be read: ${error.message}`);
      return undefined;
    }
  }

  /** A webhook and a comparison of heads have told of one push: the other one decides. */
  private async leave(
    delivery: DeliveryDocument,
    event: ForgeEvent,
    decidedBy: string,
  ): Promise<void> {
    // The head was compared after the webhook: it is no older.
    if (delivery.kind === 'missed_push') await this.claims.note(delivery, event);
    const message = `This commit of the branch was decided already, by delivery ${decidedBy}.`;
    await this.deliveries.end(delivery._id, {
      status: 'duplicate',
      reason: { code: 'decided_already', message },
      duplicate_of: decidedBy,
    });
  }

  private async wantStatus(
    repository: RepositoryDocument,
    event: ForgeEvent,
    decision: StoredDecision,
  ): Promise<void> {
    const { starts, reason, pipeline_name: name, execution_id } = decision;
    const fixed =
      reason.code === 'definition_unreadable'
        ? ({ state: 'error', description: oneLine(reason.message) } as const)
        : (statusOfSkipped(decision, repository) ?? null);
    const isTold = starts || execution_id !== null || fixed !== null;
    if (event.commit === null || repository.api_url === '' || !isTold) return;
    await this.statuses.want({
      repository_id: repository._id,
      commit: event.commit,
      context: contextOf(name, event.kind),
      execution_id,
      fixed,
    });
  }

  private async start(
    delivery: DeliveryDocument,
    repository: RepositoryDocument,
    event: ForgeEvent,
    decision: StoredDecision,
  ): Promise<void> {
    const { pipeline_id: pipelineId, version: number, execution_id: executionId } = decision;
    if (pipelineId === null || number === null || executionId === null) return;
    const [version, isThere] = await whenBothEnd(
      this.pipelines.getVersion(pipelineId, number),
      // Of a try before this one.
      this.acceptance.acceptedBefore({ id: executionId, repeated: true }),
    );
    if (!isThere) {
      await this.accept(delivery, repository, event, { ...decision, id: executionId }, version);
    }
    const { supersede } = version.plan;
    if (supersede !== undefined) {
      await this.superseder.supersede(pipelineId, executionId, supersede);
    }
  }

  /** What does not compile is an execution too: one that failed before it began. */
  private async refuse(
    delivery: DeliveryDocument,
    repository: RepositoryDocument,
    event: ForgeEvent,
    { pipeline_id, pipeline_name, execution_id, reason }: StoredDecision,
  ): Promise<void> {
    if (pipeline_id === null || execution_id === null) return;
    const trigger_info = triggerInfo(delivery, repository, event);
    await this.acceptance.refuse(
      execution_id,
      { pipeline_id, pipeline_name, trigger_info },
      reason,
    );
  }

  private async accept(
    delivery: DeliveryDocument,
    repository: RepositoryDocument,
    event: ForgeEvent,
    { id: executionId, reason }: Pick<StoredDecision, 'reason'> & { readonly id: string },
    version: RunnableVersion,
  ): Promise<void> {
    const { inputs } = resolveInputs(version.definition, {});
    await this.acceptance.accept(executionId, {
      pipeline_id: version.pipelineId,
      pipeline_name: version.pipelineName,
      pipeline_version: version.number,
      plan_hash: version.planHash,
      plan: version.plan,
      inputs,
      environment: mergedNames(undefined),
      trigger_info: triggerInfo(delivery, repository, event, reason),
      // The worker asks for the credential of the connection when it clones.
      clone_url: repository.clone_url,
      rerun_of: null,
    });
    this.audit.note(triggered(delivery, repository, event, version, executionId));
  }

  /** The event, and what the payload calls the repository. */
  private async read({ _id: id, kind, forge, event }: DeliveryDocument): Promise<ReadDelivery> {
    const packed = await this.deliveries.body(id);
    if (!packed) return malformed('Its body is not kept any more.');
    const body = await decompress(packed);
    if (kind === 'missed_push') return { event: missedPushEvent(body), fullName: null };
    try {
      const payload = Payload.parse(body);
      if (forge === null) return malformed('It is of no forge.');
      const dialect = webhookDialect(forge);
      const fullName = dialect.repository(payload)?.fullName ?? null;
      return { event: dialect.read(event, payload), fullName };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return malformed('The body is no JSON.');
    }
  }

  private async ignore(id: string, code: string, message: string): Promise<void> {
    await this.deliveries.end(id, { status: 'ignored', reason: { code, message } });
  }
}

function triggered(
  { _id: deliveryId }: DeliveryDocument,
  repository: RepositoryDocument,
  event: ForgeEvent,
  { pipelineName }: Pick<RunnableVersion, 'pipelineName'>,
  executionId: string,
): AuditEntry {
  return {
    action: 'executions.trigger',
    actor: {
      kind: 'forge',
      id: repository._id,
      name: event.actor?.name ?? repository.forge,
      credential: '',
    },
    target: { kind: 'execution', id: executionId, name: pipelineName },
    details: {
      trigger_type: event.kind,
      delivery_id: deliveryId,
      repository: repository.full_name,
    },
  };
}

function factsOf({ facts }: DeliveryDocument): Partial<ForgeEvent> {
  return facts === undefined ? {} : (JSON.parse(facts) as Partial<ForgeEvent>);
}

function malformed(message: string): ReadDelivery {
  return { event: { ignored: 'malformed', message }, fullName: null };
}

function triggerInfo(
  { _id: deliveryId }: DeliveryDocument,
  repository: RepositoryDocument,
  event: ForgeEvent,
  reason?: StoredDecision['reason'],
): TriggerInfo {
  const approvedBy = reason?.code === 'fork_approved' ? reason.data?.['approved_by'] : undefined;
  const text = (name: string, value: string | null | undefined): Record<string, string> =>
    value === null || value === undefined ? {} : { [name]: value };
  return {
    trigger_type: event.kind,
    triggered_by: event.actor?.name ?? repository.forge,
    timestamp: new Date(),
    repository: sayUrl(repository.clone_url),
    ...text('branch', event.branch),
    ...text('tag', event.tag),
    ...text('commit_hash', event.commit),
    event: {
      delivery_id: deliveryId,
      repository_id: repository._id,
      repository: repository.full_name,
      default_branch: repository.default_branch,
      fork: event.fork,
      ...text('before', event.before),
      ...text('message', event.message),
      ...text('author', event.author?.name ?? event.author?.email),
      ...text('actor_user_id', actorUserId(event, repository)),
      ...(event.fork && text('author_user_id', authorUserId(event, repository))),
      ...(typeof approvedBy === 'string' && { approved_by: approvedBy }),
      ...text('title', event.title),
      ...text('base_branch', event.base?.branch),
      ...text('base_commit', event.base?.commit),
      ...text('head_branch', event.head?.branch),
      ...(event.number !== null && { number: event.number }),
    },
  };
}
