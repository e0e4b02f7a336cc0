/** A mail in plain text. */
export interface Mail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** Its `Message-ID`, without `<>`: the same for each try, so that receivers know it again. */
  readonly id: string;
}

/** A mail was not taken. Its message holds no address, log-in or text of the server. */
export class MailFailure extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'MailFailure';
  }
}

/** Port: sends mails. Calls may be concurrent. Adapters: SMTP, and none. */
export abstract class Mailer {
  /** False: no server is configured, and every mail is refused. */
  abstract readonly isConfigured: boolean;
  /**
   * Resolves when the server has taken it for all receivers.
   * @throws MailFailure
   */
  abstract send(mail: Mail): Promise<void>;
}
