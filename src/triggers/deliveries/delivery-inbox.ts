import { Injectable, Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { MillraceError, notFound } from '../../common/errors/millrace.error.js';
import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { nameRecord } from '../../common/values/name-record.js';
import type { ForgeKind } from '../../integrations/forge/forge-event.js';
import { Payload } from '../../integrations/forge/webhooks/payload.js';
import type { WebhookDialect } from '../../integrations/forge/webhooks/webhook-dialect.js';
import { webhookDialect } from '../../integrations/forge/webhooks/webhook-dialects.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { PipelineWebhooks } from '../pipeline-webhooks/pipeline-webhooks.service.js';
import { DELIVERY_ID_HEADER } from '../pipeline-webhooks/webhook-signature.js';
import { type MissedPush, missedPushBody } from './missed-push.js';
import { jsonIn, unverifiedJsonIn } from './form-body.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveryJobs } from './delivery-jobs.js';
import type { DeliveryDocument } from './delivery.schema.js';

/** How long the same content is the same delivery, ms. */
const SAME_CONTENT_MS = 24 * 3600 * 1000;
const MAX_HEADER_CHARACTERS = 500;
const compress = promisify(gzip);

/** Takes webhook requests: when it answers, the delivery is stored and will be decided. */
@Injectable()
export class DeliveryInbox {
  private readonly logger = new Logger(DeliveryInbox.name);

  constructor(
    private readonly repositories: RepositoriesService,
    private readonly deliveries: DeliveriesRepository,
    private readonly jobs: DeliveryJobs,
    private readonly webhooks: PipelineWebhooks,
  ) {}

  /**
   * Of a forge, for whichever repository the payload names.
   * @throws MillraceError AuthenticationError: bad signature, or a repository that is not
   *   connected; nobody can tell which. ServiceUnavailableError: the database is away.
   */
  async receiveFromForge(
    kind: ForgeKind,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<string> {
    const dialect = webhookDialect(kind);
    const hint = dialect.repositoryHint(headers);
    const remoteId = hint ?? repositoryIn(dialect, unverifiedJsonIn(headers, body));
    const candidates =
      remoteId === null ? [] : await this.repositories.withRemoteId(kind, remoteId);
    // Two servers of one kind of forge may have a repository of one id each.
    const repository = candidates.find((one) => this.signer(dialect, one, headers, body) >= 0);
    return this.receive(repository, dialect, headers, body);
  }

  /** For one connected repository, by its id here. As `receiveFromForge`. */
  async receiveFor(
    repositoryId: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<string> {
    const repository = await this.repositories.find(repositoryId);
    return this.receive(repository, webhookDialect(repository?.forge ?? 'github'), headers, body);
  }

  /**
   * For one pipeline, from whoever knows the secret of its webhook; the same given id is one
   * delivery. As `receiveFromForge`.
   */
  async receiveForPipeline(
    pipelineId: string,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<string> {
    if (!(await this.webhooks.knows(pipelineId, headers, body))) throw unknownCaller();
    const given = headers[DELIVERY_ID_HEADER];
    const id =
      typeof given === 'string' && given !== ''
        ? await this.claim(`id:${pipelineId}:${digestOf(given)}`, Infinity)
        : uuidV7();
    if (await this.deliveries.find(id)) return id;
    const delivery: DeliveryDocument = {
      ...blankDelivery(id, body.length),
      repository_id: null,
      pipeline_id: pipelineId,
      kind: 'pipeline',
      forge: null,
      event: 'webhook',
      headers: keptHeaders(['content-type', 'user-agent', DELIVERY_ID_HEADER], headers),
    };
    await this.deliveries.insert(delivery, await compress(body));
    failPoint('delivery_inserted');
    await this.jobs.offer(id);
    return id;
  }

  /**
   * A push that no webhook told of. However often and by however many it is told, it is one.
   * @param seenBy the delivery that told of the commit before; null = none did
   */
  async receiveMissed(
    { _id: repositoryId, full_name: name, forge }: RepositoryDocument,
    push: MissedPush,
    seenBy: string | null,
  ): Promise<string> {
    const { branch, commit, before } = push;
    const seen = seenBy ?? before ?? '';
    const id = await this.claim(`head:${repositoryId}:${digestOf(branch, commit, seen)}`, Infinity);
    if (await this.deliveries.find(id)) return id;
    const body = missedPushBody(push);
    const delivery: DeliveryDocument = {
      ...blankDelivery(id, body.length),
      repository_id: repositoryId,
      repository_name: name,
      kind: 'missed_push',
      forge,
      event: 'push',
      headers: '{}',
    };
    await this.deliveries.insert(delivery, await compress(body));
    await this.jobs.offer(id);
    this.logger.log({ deliveryId: id, repositoryId }, 'a push was missed and is decided now');
    return id;
  }

  /**
   * Decides what came in once more, by today's rules and definitions: a delivery of its own,
   * which may start executions of its own.
   * @throws MillraceError NotFoundError, also when its body is not kept any more
   */
  async replay(id: string, dryRun: boolean): Promise<string> {
    const original = await this.deliveries.find(id);
    const body = original && (await this.deliveries.body(id));
    if (!original || !body) throw noDelivery(id);
    const replayed: DeliveryDocument = {
      ...original,
      _id: uuidV7(),
      forge_delivery_id: null,
      received_at: new Date(),
      status: 'received',
      reason: null,
      duplicate_of: null,
      replay_of: original._id,
      ...(dryRun && { dry_run: true }),
      decisions: null,
      decided_at: null,
      problem: null,
    };
    await this.deliveries.insert(replayed, body);
    await this.jobs.offer(replayed._id);
    return replayed._id;
  }

  private async receive(
    repository: RepositoryDocument | undefined,
    dialect: WebhookDialect,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<string> {
    const signer = repository ? this.signer(dialect, repository, headers, body) : -1;
    if (!repository || signer < 0) throw unknownSender();
    await this.repositories.reached(repository, signer === 0);
    return this.store(repository, dialect, headers, jsonIn(headers, body));
  }

  /** Which of the secrets signed it, the current one is 0; -1 = none. */
  private signer(
    dialect: WebhookDialect,
    repository: RepositoryDocument,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): number {
    const secrets = this.repositories.secretsOf(repository);
    return secrets.findIndex((secret) => dialect.verify(headers, body, secret));
  }

  private async store(
    { _id: repositoryId, full_name: name, forge }: RepositoryDocument,
    dialect: WebhookDialect,
    headers: IncomingHttpHeaders,
    body: Buffer,
  ): Promise<string> {
    const event = dialect.eventName(headers) ?? '';
    const forgeId = dialect.deliveryId(headers);
    const fresh = uuidV7();
    const byId =
      forgeId === null
        ? fresh
        : await this.deliveries.claim(`id:${repositoryId}:${digestOf(forgeId)}`, fresh, Infinity);
    if (byId !== fresh && (await this.deliveries.find(byId))) return byId;
    const content = `content:${repositoryId}:${digestOf(event, body)}`;
    const byContent = await this.deliveries.claim(content, byId, SAME_CONTENT_MS);
    // Who claimed it first and died has stored nothing: this delivery is the first one then.
    const isDuplicate = byContent !== byId && (await this.deliveries.find(byContent)) !== undefined;
    const delivery: DeliveryDocument = {
      ...blankDelivery(isDuplicate ? byId : byContent, body.length),
      repository_id: repositoryId,
      repository_name: name,
      forge,
      forge_delivery_id: forgeId?.slice(0, MAX_HEADER_CHARACTERS) ?? null,
      event: event.slice(0, MAX_HEADER_CHARACTERS),
      headers: keptHeaders(dialect.keptHeaders, headers),
      status: isDuplicate ? 'duplicate' : 'received',
      reason: isDuplicate
        ? { code: 'same_content', message: 'A delivery with the same content came before.' }
        : null,
      duplicate_of: isDuplicate ? byContent : null,
    };
    await this.deliveries.insert(delivery, await compress(body));
    failPoint('delivery_inserted');
    if (!isDuplicate) await this.jobs.offer(delivery._id);
    this.logger.debug({ deliveryId: delivery._id, status: delivery.status }, 'delivery stored');
    return delivery._id;
  }

  private claim(key: string, maxAgeMs: number): Promise<string> {
    return this.deliveries.claim(key, uuidV7(), maxAgeMs);
  }
}

/** Nobody is verified yet, so the body is not parsed. */
function repositoryIn(dialect: WebhookDialect, body: Buffer): string | null {
  return dialect.repository(Payload.partOf(body, dialect.repositoryMembers))?.id ?? null;
}

/** A delivery that has just come, as far as all of them are the same. */
function blankDelivery(
  id: string,
  size: number,
): Omit<DeliveryDocument, 'repository_id' | 'forge' | 'event' | 'headers'> {
  return {
    _id: id,
    forge_delivery_id: null,
    size,
    received_at: new Date(),
    status: 'received',
    reason: null,
    duplicate_of: null,
    decisions: null,
    decided_at: null,
    problem: null,
  };
}

function keptHeaders(names: readonly string[], headers: IncomingHttpHeaders): string {
  const kept = names.flatMap((name): [string, string][] => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, value.slice(0, MAX_HEADER_CHARACTERS)]] : [];
  });
  return JSON.stringify(nameRecord(kept));
}

function digestOf(...parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex');
}

/** 404 */
export function noDelivery(id: string): MillraceError {
  return notFound('delivery', id, {
    suggestions: [
      'Deliveries are kept 14 days; `./millrace deliveries` (GET /api/ci/deliveries) lists those that are there.',
    ],
  });
}

/** 401 */
export function unknownSender(): MillraceError {
  return new MillraceError('AuthenticationError', 'The signature of the webhook is not good.', {
    suggestions: [
      'Check that the repository is connected here, and that its webhook has the secret that was shown.',
    ],
  });
}

/** 401 */
export function unknownCaller(): MillraceError {
  const message = 'The request does not show that its sender knows the secret of the webhook.';
  return new MillraceError('AuthenticationError', message, {
    suggestions: [
      'Sign the body (X-Millrace-Signature: sha256=<HMAC>), or send the secret as the bearer token.',
      'POST /api/ci/pipelines/:id/webhook-secret makes a new secret.',
    ],
  });
}
