import { Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { conflict, type MillraceError } from '../../common/errors/millrace.error.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import type { PipelineWebhookDocument } from './pipeline-webhook.schema.js';
import { PipelineWebhooksRepository } from './pipeline-webhooks.repository.js';
import { isSigned } from './webhook-signature.js';

const SECRET_BYTES = 32;
const EARLIER_SECRET_MS = 24 * 3600 * 1000;

/** Where to call the webhook of a pipeline, and the secret, which is shown once. */
export interface MadePipelineWebhook {
  /** Null: PUBLIC_URL is not set. */
  readonly url: string | null;
  readonly secret: string;
}

/** The secrets by which the webhooks of pipelines know who may start them. */
@Injectable()
export class PipelineWebhooks {
  constructor(
    private readonly webhooks: PipelineWebhooksRepository,
    private readonly pipelines: PipelinesService,
    private readonly keyring: Keyring,
    private readonly config: MillraceConfig,
  ) {}

  /**
   * Makes a secret; one that was there is accepted until the new one was seen, a day at most.
   * @throws MillraceError NotFoundError; ConflictError: somebody else has just made one
   */
  async makeSecret(pipelineId: string): Promise<MadePipelineWebhook> {
    await this.pipelines.getPipeline(pipelineId);
    const there = await this.webhooks.find(pipelineId);
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const until = new Date(Date.now() + EARLIER_SECRET_MS);
    const stored = await this.webhooks.store(there, {
      _id: pipelineId,
      secret: this.keyring.seal(secret, contextOf(pipelineId)),
      earlier: there === undefined ? null : { secret: there.secret, until },
    });
    if (!stored) {
      throw changedByOther();
    }
    const { publicUrl } = this.config;
    const url = publicUrl && `${publicUrl}/api/ci/pipelines/${pipelineId}/webhook`;
    return { url: url ?? null, secret };
  }

  /** Whether a request knows the secret of the pipeline. */
  async knows(pipelineId: string, headers: IncomingHttpHeaders, body: Buffer): Promise<boolean> {
    const webhook = await this.webhooks.find(pipelineId);
    if (!webhook || !(await this.pipelines.exists(pipelineId))) return false;
    const signer = this.secretsOf(webhook).findIndex((secret) => isSigned(headers, body, secret));
    if (signer === 0 && webhook.earlier) await this.webhooks.forgetEarlier(webhook);
    return signer >= 0;
  }

  private secretsOf({ _id: id, secret, earlier }: PipelineWebhookDocument): readonly string[] {
    const sealed = [secret];
    if (earlier && earlier.until.getTime() > Date.now()) sealed.push(earlier.secret);
    return sealed.map((text) => this.keyring.open(text, contextOf(id)));
  }
}

function contextOf(pipelineId: string): string {
  return `pipeline:${pipelineId}:webhook`;
}

/** 409 */
export function changedByOther(): MillraceError {
  return conflict('The secret was just changed by somebody else.', {
    suggestions: ['Ask them for it, or make another one.'],
  });
}
