import { createHash, createHmac } from 'node:crypto';
import { type AddressPolicy, AddressRefusedError } from '../../common/net/address-policy.js';
import type { ResolveHost } from '../../common/net/checked-addresses.js';
import { CheckedHttp, HttpFailure } from '../../common/net/checked-http.js';
import { type Mailer, MailFailure } from '../../integrations/mail/mailer.js';
import { type Alert, type AlertReason, isOfExecution } from '../alerts/alert.js';
import type { ChannelTarget, EmailTarget, WebhookTarget } from '../channels/channel.js';
import { alertBody, alertText, alertTitle, executionAlertBody } from './alert-body.js';

/** Reasons why an alert was not delivered; docs/reasons.md explains each. */
export const DELIVERY_REASONS = {
  no_connection: 'nothing accepts connections there, or the connection broke',
  no_address: 'the name has no address',
  timeout: 'no answer in time',
  address_refused: 'the server does not connect to this address',
  unexpected_status: 'an answer with another status than 200 to 299',
  mail_refused: 'the mail server did not take it',
  mail_not_configured: 'no mail server is configured',
  channel_removed: 'the channel was removed',
  channel_unreadable: 'what is stored of the channel cannot be opened',
  delivery_failed: 'it failed in a way that is not known',
  not_asked: 'the channel does not hear of such ends',
  execution_cancelled: 'nobody is told of what was cancelled',
  same_target: 'another channel leads to the same place',
} as const;
export type DeliveryReasonCode = keyof typeof DELIVERY_REASONS;

export const SIGNATURE_HEADER = 'X-Millrace-Signature-256';
export const ALERT_HEADER = 'X-Millrace-Alert';
const USER_AGENT = 'millrace-alert';
export const WEBHOOK_TIMEOUT_MS = 10_000;

/** Tells one alert by one channel. */
export class AlertChannels {
  private readonly http: CheckedHttp;

  /**
   * @param policy which addresses webhooks may reach
   * @param publicUrl of the installation; undefined: it does not know that
   */
  constructor(
    policy: AddressPolicy,
    private readonly mailer: Mailer,
    timeoutMs = WEBHOOK_TIMEOUT_MS,
    resolve?: ResolveHost,
    private readonly publicUrl?: string,
  ) {
    this.http = new CheckedHttp(policy, { timeoutMs, maxBytes: 0, statusOnly: true }, resolve);
  }

  /** @returns undefined: it was taken; else why not, without a word of the target or its answer */
  async send(
    alert: Alert,
    channel: string,
    target: ChannelTarget,
  ): Promise<AlertReason | undefined> {
    try {
      return target.type === 'webhook'
        ? await this.post(alert, target)
        : await this.mail(alert, channel, target);
    } catch (error) {
      return reasonOf(error);
    }
  }

  private async post(alert: Alert, target: WebhookTarget): Promise<AlertReason | undefined> {
    const { url, secret, headers } = target;
    const body = JSON.stringify(
      isOfExecution(alert) ? executionAlertBody(alert, this.publicUrl) : alertBody(alert),
    );
    const { status } = await this.http.send({
      ...{ method: 'POST', url, body },
      headers: {
        ...Object.fromEntries(headers.map(({ name, value }) => [name, value])),
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        'User-Agent': USER_AGENT,
        [ALERT_HEADER]: alert._id,
        ...(secret !== null && { [SIGNATURE_HEADER]: signatureOf(body, secret) }),
      },
    });
    if (status >= 200 && status < 300) return undefined;
    return reason('unexpected_status', `it answers with the status ${status}`);
  }

  private async mail(
    alert: Alert,
    channel: string,
    { to }: EmailTarget,
  ): Promise<AlertReason | undefined> {
    if (!this.mailer.isConfigured) return reason('mail_not_configured');
    const id = createHash('sha256').update(`${alert._id} ${channel}`).digest('hex').slice(0, 32);
    const [subject, text] = [alertTitle(alert), alertText(alert, this.publicUrl)];
    await this.mailer.send({ to, subject, text, id: `${id}@millrace` });
    return undefined;
  }
}

/** `sha256=` and the HMAC of the bytes of a body. */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export function reason(
  code: DeliveryReasonCode,
  message: string = DELIVERY_REASONS[code],
): AlertReason {
  return { code, message };
}

/** Messages of errors may name the target: only those of ours are kept. */
function reasonOf(error: unknown): AlertReason {
  if (error instanceof AddressRefusedError) {
    return reason('address_refused', `the server does not connect there: ${error.refusal.kind}`);
  }
  if (error instanceof MailFailure) return reason('mail_refused', error.message);
  const cause = error instanceof HttpFailure ? error.cause : error;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA') {
    return reason('no_address', `the name has no address (${code})`);
  }
  if (!(error instanceof HttpFailure)) return reason('delivery_failed');
  if (error.message.startsWith('no answer within')) return reason('timeout', error.message);
  return reason('no_connection', error.message);
}
