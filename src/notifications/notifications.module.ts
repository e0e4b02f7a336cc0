import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { ExecutionsModule } from '../executions/executions.module.js';
import { AlertStore } from './alerts/alert-store.js';
import {
  ALERT_MODEL,
  ALERT_STATE_MODEL,
  alertSchema,
  alertStateSchema,
} from './alerts/alert.schema.js';
import { AlertsRepository } from './alerts/alerts.repository.js';
import { CHANNEL_MODEL, channelSchema } from './channels/channel.schema.js';
import { ChannelStore } from './channels/channel-store.js';
import { ChannelsRepository } from './channels/channels.repository.js';
import { AlertRecipients } from './decisions/alert-recipients.js';
import { EndTeller } from './decisions/end-teller.js';

/** What every role has: any process may end an execution, and stores who is to be told of it. */
@Module({
  imports: [
    ExecutionsModule,
    MongooseModule.forFeature([
      { name: CHANNEL_MODEL, schema: channelSchema },
      { name: ALERT_MODEL, schema: alertSchema },
      { name: ALERT_STATE_MODEL, schema: alertStateSchema },
    ]),
  ],
  providers: [
    { provide: ChannelStore, useClass: ChannelsRepository },
    { provide: AlertStore, useClass: AlertsRepository },
    AlertRecipients,
    EndTeller,
  ],
  exports: [ChannelStore, AlertStore, AlertRecipients],
})
export class NotificationsModule {}
