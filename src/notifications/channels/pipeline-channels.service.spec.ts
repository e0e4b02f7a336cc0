import { notFound } from '../../common/errors/millrace.error.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import type { Mailer } from '../../integrations/mail/mailer.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { newExecutionAlert } from '../alerts/alert.fixture.js';
import { MemoryAlertStore } from '../alerts/memory-alert-store.fixture.js';
import { pipelineChannelResponse } from '../dto/channel.dto.js';
import { MOST_CHANNELS } from './channel.js';
import { KeptChannels } from './kept-channels.js';
import { MemoryChannelStore } from './memory-channel-store.fixture.js';
import { PipelineChannelsService } from './pipeline-channels.service.js';

const HOOK = { type: 'webhook', url: 'https://203.0.114.5/T0K3N', secret: 'k3y-k3y-' } as const;

describe('PipelineChannelsService', () => {
  let alerts: MemoryAlertStore;
  let service: PipelineChannelsService;
  const set = (name = 'ops', more = {}) => service.set('p', name, { ...HOOK, ...more }, 'ada');

  beforeEach(() => {
    alerts = new MemoryAlertStore();
    const pipelines = {
      getHead: (id: string) =>
        id === 'p' ? Promise.resolve({ name: 'build' }) : Promise.reject(notFound('pipeline', id)),
    } as unknown as PipelinesService;
    const config = { allowPrivateUrls: [] } as unknown as MillraceConfig;
    const mailer = { isConfigured: false } as Mailer;
    const channels = new KeptChannels(new MemoryChannelStore(), mailer, config);
    service = new PipelineChannelsService(pipelines, channels, alerts);
  });

  it('makes a channel that hears of failures and their end where nothing is said', async () => {
    expect(await set()).toMatchObject({ subject: 'p', ends: ['failure', 'fixed'], signed: true });
    await set('all', { on: ['success', 'success', 'failure'] });
    const shown = (await service.list('p')).map(pipelineChannelResponse);
    expect(shown.map(({ name, on }) => [name, on])).toEqual([
      ['all', ['success', 'failure']],
      ['ops', ['failure', 'fixed']],
    ]);
    expect(JSON.stringify(shown)).not.toMatch(/T0K3N|k3y/);
  });

  it('replaces it whole', async () => {
    await set('ops', { on: ['success'] });
    await set();
    expect((await service.list('p')).map(({ ends }) => ends)).toEqual([['failure', 'fixed']]);
  });

  it('refuses what leads to a private address, too many, and pipelines that are not there', async () => {
    await expect(set('ops', { url: 'http://127.0.0.1/' })).rejects.toMatchObject({
      details: { code: 'address_refused' },
    });
    for (let n = 0; n < MOST_CHANNELS; n += 1) await set(`c${n}`);
    await expect(set()).rejects.toThrow('build has 10 channels');
    await expect(service.set('q', 'ops', HOOK, 'ada')).rejects.toThrow('q');
    await expect(service.list('q')).rejects.toThrow('q');
    await expect(service.remove('q', 'c1')).rejects.toThrow('q');
    await expect(service.told('q', { limit: 1 })).rejects.toThrow('q');
  });

  it('removes one', async () => {
    await set();
    await service.remove('p', 'ops');
    expect(await service.list('p')).toEqual([]);
    await expect(service.remove('p', 'ops')).rejects.toThrow('ops');
  });

  it('shows what was told, the newest first', async () => {
    const [old, young] = [1, 2].map((at) => newExecutionAlert({ subject: 'p', at: new Date(at) }));
    for (const one of [old, young]) if (one) await alerts.insert(one);
    const page = await service.told('p', { limit: 1 });
    expect(page.items).toEqual([young]);
    expect(
      (await service.told('p', { limit: 9, ...(page.next && { after: page.next }) })).items,
    ).toEqual([old]);
  });
});
