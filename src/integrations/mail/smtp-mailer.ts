import { createTransport, type Transporter } from 'nodemailer';
import type SmtpTransport from 'nodemailer/lib/smtp-transport/index.js';
import { isLoopbackHost } from '../../config/loopback.js';
import { type Mail, Mailer, MailFailure } from './mailer.js';

/** For each of: the connection, its greeting, silence, ms. */
const PATIENCE_MS = 10_000;

/** Sends by the server that the operator has configured. Each mail has a connection of its own. */
export class SmtpMailer extends Mailer {
  readonly isConfigured = true;
  private readonly transport: Transporter<SmtpTransport.SentMessageInfo, SmtpTransport.Options>;

  /** @param url `smtp://user:password@host:port`, or `smtps://` @param from sender of all mails */
  constructor(
    url: string,
    private readonly from: string,
  ) {
    super();
    const options: SmtpTransport.Options = {
      ...settingsOf(url),
      ...{ connectionTimeout: PATIENCE_MS, greetingTimeout: PATIENCE_MS },
      ...{ socketTimeout: PATIENCE_MS, disableFileAccess: true, disableUrlAccess: true },
    };
    this.transport = createTransport(options);
  }

  async send({ to, subject, text, id }: Mail): Promise<void> {
    let rejected: readonly unknown[];
    try {
      const { from } = this;
      const messageId = `<${id}>`;
      const mail = { from, to: [...to], subject, text, messageId };
      ({ rejected } = await this.transport.sendMail(mail));
    } catch (error) {
      throw new MailFailure(problemOf(error), error);
    }
    if (rejected.length > 0) {
      throw new MailFailure(`the mail server refuses ${rejected.length} of ${to.length} receivers`);
    }
  }
}

/** Where no server is configured. */
export class NoMailer extends Mailer {
  readonly isConfigured = false;

  send(): Promise<void> {
    return Promise.reject(new MailFailure('no mail server is configured: SMTP_URL is unset'));
  }
}

function settingsOf(text: string): {
  host: string;
  port: number;
  secure: boolean;
  requireTLS: boolean;
  auth?: { user: string; pass: string };
} {
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  const user = decodeURIComponent(url.username);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    // A log-in is shown to nobody on the way.
    requireTLS: !secure && user !== '' && !isLoopbackHost(url.hostname),
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(url.password) } }),
  };
}

/** Only codes: texts of a server may name receivers and log-ins. */
function problemOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const shown = typeof code === 'string' && /^[A-Z_]{1,30}$/.test(code) ? code : 'unknown';
  const status = typeof responseCode === 'number' ? `, status ${responseCode}` : '';
  return `the mail server did not take it (${shown}${status})`;
}
