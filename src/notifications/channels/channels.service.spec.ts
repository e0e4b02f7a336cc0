import { MemoryFailureRecords } from '../../service-registry/failures/memory-failure-records.fixture.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { MillraceError } from '../../common/errors/millrace.error.js';
import { nameRecord } from '../../common/values/name-record.js';
import type { Mailer } from '../../integrations/mail/mailer.js';
import { ServiceRemoval } from '../../service-registry/service-removal.js';
import { MemoryHealthHistory } from '../../service-registry/history/memory-health-history.fixture.js';
import { MemoryDeployedServices } from '../../service-registry/memory-deployed-services.fixture.js';
import { MemoryServiceStore } from '../../service-registry/record/memory-service-store.fixture.js';
import { newService } from '../../service-registry/record/watched-service.fixture.js';
import { ServicesService } from '../../service-registry/services.service.js';
import { channelResponse } from '../dto/channel.dto.js';
import { MemoryAlertStore } from '../alerts/memory-alert-store.fixture.js';
import type { AskedChannel } from './asked-channel.js';
import { MOST_CHANNELS } from './channel.js';
import { ChannelsService } from './channels.service.js';
import { KeptChannels } from './kept-channels.js';
import { MemoryChannelStore } from './memory-channel-store.fixture.js';

const SHOP = { environment: 'default', name: 'shop' };
const HOOK: AskedChannel = {
  type: 'webhook',
  url: 'https://203.0.114.5/T0K3N',
  secret: 'k3y-k3y-',
};

describe('ChannelsService', () => {
  let store: MemoryChannelStore;
  let services: MemoryServiceStore;
  let alerts: MemoryAlertStore;
  let deployed: MemoryDeployedServices;
  const channels = (allowPrivateUrls: string[] = [], isConfigured = false): ChannelsService => {
    const config = { allowPrivateUrls } as unknown as MillraceConfig;
    const removal = new ServiceRemoval(
      services,
      new MemoryHealthHistory(),
      new MemoryFailureRecords(),
    );
    const registry = new ServicesService(services, deployed, removal, config);
    const kept = new KeptChannels(store, { isConfigured } as Mailer, config);
    return new ChannelsService(registry, kept, alerts);
  };
  const set = (asked: AskedChannel, name = 'ops') => channels().set(SHOP, name, asked, 'ada');
  const refusal = async (work: Promise<unknown>): Promise<MillraceError> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (error instanceof MillraceError) return error;
    throw new Error(`not refused: ${String(error)}`);
  };

  beforeEach(async () => {
    store = new MemoryChannelStore();
    services = new MemoryServiceStore();
    alerts = new MemoryAlertStore();
    deployed = new MemoryDeployedServices();
    await services.insert(newService());
  });

  it('makes a channel, and shows nothing of where it leads', async () => {
    const headers = nameRecord<unknown>([['Authorization', 'Bearer t0ken']]);
    const made = channelResponse(await set({ ...HOOK, headers }));
    expect(made).toMatchObject({ name: 'ops', type: 'webhook', signed: true, created_by: 'ada' });
    const listed = (await channels().list(SHOP)).map(channelResponse);
    expect(listed).toEqual([made]);
    expect(JSON.stringify(listed)).not.toMatch(/T0K3N|t0ken|k3y|203/);
    expect([...store.targets.values()]).toMatchObject([
      { url: HOOK.url, headers: [{ name: 'Authorization', value: 'Bearer t0ken' }] },
    ]);
  });

  it('tells what happens from that moment on', async () => {
    const health = {
      status: 'failed',
      since: new Date(1),
      endpoints: [],
      seq: 7,
      fence: 1,
    } as const;
    const reason = { code: 'endpoints_failed', message: 'm' };
    await services.writeHealth('default/shop', { health: { ...health, reason }, outbox: [] });
    await set(HOOK);
    expect([...alerts.stateRecords.values()]).toMatchObject([{ seq: 7, told: 'failed' }]);
    const [state] = alerts.stateRecords.values();
    if (state) await alerts.saveState({ ...state, seq: 9, told: 'running', version: 2 });
    await set(HOOK, 'other');
    expect([...alerts.stateRecords.values()]).toMatchObject([{ seq: 9, told: 'running' }]);
  });

  it('is of the service itself: one that is registered again has none', async () => {
    await set(HOOK);
    await services.remove('default/shop');
    expect((await refusal(channels().list(SHOP))).kind).toBe('NotFoundError');
    await services.insert(newService());
    expect(await channels().list(SHOP)).toEqual([]);
  });

  it('is of a service that was only deployed, too', async () => {
    await services.remove('default/shop');
    const { uuid } = deployed.has('shop');
    await set(HOOK);
    expect([...store.channels.values()]).toMatchObject([{ subject: uuid }]);
    expect((await services.find('default/shop'))?.id).toBe(uuid);
  });

  it('replaces and removes one', async () => {
    await set(HOOK);
    await set({ type: 'webhook', url: 'https://203.0.114.6/' });
    expect(await channels().list(SHOP)).toMatchObject([{ signed: false }]);
    await channels().remove(SHOP, 'ops');
    expect((await refusal(channels().remove(SHOP, 'ops'))).kind).toBe('NotFoundError');
  });

  it.each<[string, AskedChannel]>([
    ['url', { type: 'webhook' }],
    ['url', { type: 'webhook', url: 'ftp://x.example/T0K3N' }],
    ['url', { type: 'webhook', url: 'https://ada:T0K3N@x.example/' }],
    ['to', { ...HOOK, to: ['a@b.c'] }],
    ['headers', { ...HOOK, headers: nameRecord([['a b', 'T0K3N']]) }],
    ['headers', { ...HOOK, headers: nameRecord([['__proto__', 'T0K3N']]) }],
    ['headers', { ...HOOK, headers: nameRecord([['X-A', 'T0K3N\r\nX: y']]) }],
    ['headers', { ...HOOK, headers: nameRecord<unknown>([['X-A', 7]]) }],
    ['headers.Host', { ...HOOK, headers: nameRecord([['Host', 'T0K3N']]) }],
    ['headers.x-millrace-alert', { ...HOOK, headers: nameRecord([['x-millrace-alert', 'T0K3N']]) }],
    ['to', { type: 'email' }],
    ['to[0]', { type: 'email', to: ['a@b.c\r\nBcc: T0K3N@x.y'] }],
    ['to[1]', { type: 'email', to: ['a@b.c', 'a@b.c, T0K3N@x.y'] }],
    ['url', { type: 'email', to: ['a@b.c'], url: 'https://T0K3N.example' }],
  ])('refuses what is wrong in %s, and repeats it nowhere', async (path, asked) => {
    const error = await refusal(set(asked));
    expect(error.kind).toBe('ValidationError');
    expect(error.details).toMatchObject([{ path }]);
    expect(JSON.stringify([error.message, error.details])).not.toContain('T0K3N');
    expect(store.channels.size).toBe(0);
  });

  it.each(['http://127.0.0.1/T0K3N', 'http://[::1]/', 'http://0x7f.1/', 'http://169.254.169.254/'])(
    'leads to %s only where the operator allows it',
    async (url) => {
      const error = await refusal(set({ type: 'webhook', url }));
      expect(error.kind).toBe('UnprocessableError');
      expect(error.details).toMatchObject({ code: 'address_refused' });
      expect(JSON.stringify([error.message, error.suggestions])).not.toContain('T0K3N');
      await channels(['all']).set(SHOP, 'ops', { type: 'webhook', url }, 'ada');
      expect(store.channels.size).toBe(1);
    },
  );

  it('sends mails only where there is a server for it', async () => {
    const mail: AskedChannel = { type: 'email', to: ['ops@example.org'] };
    const error = await refusal(set(mail));
    expect(error.kind).toBe('UnprocessableError');
    expect(error.details).toMatchObject({ code: 'mail_not_configured' });
    await channels([], true).set(SHOP, 'ops', mail, 'ada');
    expect([...store.targets.values()]).toEqual([mail]);
  });

  it(`are ${MOST_CHANNELS} at most`, async () => {
    for (let n = 0; n < MOST_CHANNELS; n += 1) await set(HOOK, `c${n}`);
    expect((await refusal(set(HOOK, 'more'))).kind).toBe('ConflictError');
    await set(HOOK, 'c0');
  });
});
