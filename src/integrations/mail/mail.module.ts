import { Module } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Mailer } from './mailer.js';
import { NoMailer, SmtpMailer } from './smtp-mailer.js';

/** Gives `Mailer`, by the server that `SMTP_URL` names. */
@Module({
  providers: [
    {
      provide: Mailer,
      inject: [MillraceConfig],
      useFactory: ({ smtpUrl, smtpFrom }: MillraceConfig) =>
        smtpUrl === undefined || smtpFrom === undefined
          ? new NoMailer()
          : new SmtpMailer(smtpUrl, smtpFrom),
    },
  ],
  exports: [Mailer],
})
export class MailModule {}
