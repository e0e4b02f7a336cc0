import mongoose from 'mongoose';
import { testServices } from '../../test/support/services.js';
import { SealedPlaces } from '../secrets/encryption/sealed-places.js';
import { testKeyring } from '../secrets/encryption/keyring.fixture.js';
import type { Alert } from './alerts/alert.js';
import type { AlertState } from './alerts/alert-state.js';
import { describeAlertStore } from './alerts/alert-store.contract.spec.js';
import {
  ALERT_MODEL,
  ALERT_STATE_MODEL,
  alertSchema,
  alertStateSchema,
} from './alerts/alert.schema.js';
import { AlertsRepository } from './alerts/alerts.repository.js';
import type { Channel } from './channels/channel.js';
import { CHANNEL_MODEL, channelSchema } from './channels/channel.schema.js';
import { describeChannelStore } from './channels/channel-store.contract.spec.js';
import { ChannelsRepository } from './channels/channels.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const channels = connection.model(CHANNEL_MODEL, channelSchema);
const alerts = connection.model<Alert>(ALERT_MODEL, alertSchema);
const states = connection.model<AlertState>(ALERT_STATE_MODEL, alertStateSchema);
const channelStore = new ChannelsRepository(
  channels as unknown as ConstructorParameters<typeof ChannelsRepository>[0],
  testKeyring(),
  new SealedPlaces(),
);
const alertStore = new AlertsRepository(alerts, states);

beforeAll(async () => {
  await connection.asPromise();
  for (const model of [channels, alerts, states]) await model.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeAlertStore('AlertsRepository', () => alertStore);
describeChannelStore('ChannelsRepository', () => channelStore);

it('stores nothing in clear of where a channel leads', async () => {
  const channel: Channel = {
    ...{ _id: 'u:ops', subject: 'u', service: 'default/shop', name: 'ops' },
    type: 'email',
    ...{ signed: false, created_by: 'ada', created_at: new Date(1), updated_at: new Date(1) },
  };
  await channelStore.set(channel, { type: 'email', to: ['secret-team@example.org'] });
  const stored: unknown = await channels.findById('u:ops').lean();
  expect(stored).toMatchObject({ sealed: expect.stringMatching(/^v1\./) });
  expect(JSON.stringify(stored)).not.toContain('secret-team');
});
