import { type DynamicModule, Module } from '@nestjs/common';
import { AddressPolicy } from '../common/net/address-policy.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { ExecutionsModule } from '../executions/executions.module.js';
import { MailModule } from '../integrations/mail/mail.module.js';
import { Mailer } from '../integrations/mail/mailer.js';
import { AlertRounds, AlertSending } from './alert-rounds.js';
import { AlertsService } from './alerts/alerts.service.js';
import { ChannelsService } from './channels/channels.service.js';
import { KeptChannels } from './channels/kept-channels.js';
import { PipelineChannelsService } from './channels/pipeline-channels.service.js';
import { LeftTeller } from './decisions/left-teller.js';
import { MonitorTeller } from './decisions/monitor-teller.js';
import { ServiceTeller } from './decisions/service-teller.js';
import { AlertChannels, WEBHOOK_TIMEOUT_MS } from './delivery/alert-channels.js';
import { AlertSender } from './delivery/alert-sender.js';
import { NotificationsController } from './notifications.controller.js';
import { NotificationsModule } from './notifications.module.js';
import { PipelineNotificationsController } from './pipeline-notifications.controller.js';

/** Tells people what becomes of services and executions: sent by one API process at a time. */
@Module({
  imports: [ExecutionsModule, MailModule, NotificationsModule],
  controllers: [NotificationsController, PipelineNotificationsController],
  providers: [
    {
      provide: AlertChannels,
      inject: [MillraceConfig, Mailer],
      useFactory: ({ allowPrivateUrls, publicUrl }: MillraceConfig, mailer: Mailer) => {
        const policy = new AddressPolicy(allowPrivateUrls);
        return new AlertChannels(policy, mailer, WEBHOOK_TIMEOUT_MS, undefined, publicUrl);
      },
    },
    AlertRounds,
    AlertSender,
    AlertSending,
    AlertsService,
    ChannelsService,
    KeptChannels,
    PipelineChannelsService,
    LeftTeller,
    MonitorTeller,
    ServiceTeller,
  ],
})
export class NotificationsApiModule {
  /** @param registry exports `ServicesService`, its stores and `DeployedServices` */
  static over(registry: DynamicModule): DynamicModule {
    return { module: NotificationsApiModule, imports: [registry] };
  }
}
