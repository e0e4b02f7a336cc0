import { type DynamicModule, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { AddressPolicy } from '../common/net/address-policy.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { MailModule } from '../integrations/mail/mail.module.js';
import { Mailer } from '../integrations/mail/mailer.js';
import { AlertRounds, AlertSending } from './alert-rounds.js';
import { AlertStore } from './alerts/alert-store.js';
import {
  ALERT_MODEL,
  ALERT_STATE_MODEL,
  alertSchema,
  alertStateSchema,
} from './alerts/alert.schema.js';
import { AlertsRepository } from './alerts/alerts.repository.js';
import { AlertsService } from './alerts/alerts.service.js';
import { CHANNEL_MODEL, channelSchema } from './channels/channel.schema.js';
import { ChannelStore } from './channels/channel-store.js';
import { ChannelsRepository } from './channels/channels.repository.js';
import { ChannelsService } from './channels/channels.service.js';
import { AlertRecipients } from './decisions/alert-recipients.js';
import { LeftTeller } from './decisions/left-teller.js';
import { MonitorTeller } from './decisions/monitor-teller.js';
import { ServiceTeller } from './decisions/service-teller.js';
import { AlertChannels } from './delivery/alert-channels.js';
import { AlertSender } from './delivery/alert-sender.js';
import { NotificationsController } from './notifications.controller.js';

/** Tells people what becomes of services: decided and sent by one API process at a time. */
@Module({
  imports: [
    MailModule,
    MongooseModule.forFeature([
      { name: CHANNEL_MODEL, schema: channelSchema },
      { name: ALERT_MODEL, schema: alertSchema },
      { name: ALERT_STATE_MODEL, schema: alertStateSchema },
    ]),
  ],
  controllers: [NotificationsController],
  providers: [
    { provide: ChannelStore, useClass: ChannelsRepository },
    { provide: AlertStore, useClass: AlertsRepository },
    {
      provide: AlertChannels,
      inject: [MillraceConfig, Mailer],
      useFactory: ({ allowPrivateUrls }: MillraceConfig, mailer: Mailer) =>
        new AlertChannels(new AddressPolicy(allowPrivateUrls), mailer),
    },
    AlertRecipients,
    AlertRounds,
    AlertSender,
    AlertSending,
    AlertsService,
    ChannelsService,
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
