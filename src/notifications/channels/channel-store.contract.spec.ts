import { uuidV7 } from '../../common/ids/uuid.js';
import {
  channelId,
  type ChannelTarget,
  isOfPipeline,
  type PipelineChannel,
  type ServiceChannel,
} from './channel.js';
import type { ChannelStore } from './channel-store.js';
import { MemoryChannelStore } from './memory-channel-store.fixture.js';

/** What every adapter of `ChannelStore` does. */
export function describeChannelStore(title: string, store: () => ChannelStore): void {
  describe(`${title} as ChannelStore`, () => {
    let subject: string;
    const target: ChannelTarget = {
      ...{ type: 'webhook', url: 'https://hooks.example/T0K3N', secret: 's3cret' },
      headers: [{ name: 'Authorization', value: 'Bearer t0ken' }],
    };
    const channel = (name: string, more: Partial<ServiceChannel> = {}): ServiceChannel => ({
      ...{ _id: channelId(subject, name), subject, service: 'default/shop', name },
      ...{ type: 'webhook', signed: true, created_by: 'ada' },
      ...{ created_at: new Date(1), updated_at: new Date(1), ...more },
    });

    beforeEach(() => {
      subject = uuidV7();
    });

    it('keeps a channel and, apart from what is shown, where it leads', async () => {
      await store().set(channel('ops'), target);
      expect(await store().of(subject)).toEqual([channel('ops')]);
      expect(JSON.stringify(await store().all())).not.toMatch(/T0K3N|s3cret|t0ken/);
      expect(await store().target(channelId(subject, 'ops'))).toEqual(target);
    });

    it('replaces one, and keeps who made it', async () => {
      await store().set(channel('ops'), target);
      const other: ChannelTarget = { type: 'email', to: ['a@b.c'] };
      const later = { type: 'email', signed: false, updated_at: new Date(9) } as const;
      await store().set(
        channel('ops', { ...later, created_by: 'eve', created_at: new Date(9) }),
        other,
      );
      expect(await store().of(subject)).toEqual([channel('ops', later)]);
      expect(await store().target(channelId(subject, 'ops'))).toEqual(other);
    });

    it('keeps one of a pipeline, with what it hears of', async () => {
      const one: PipelineChannel = {
        ...{ _id: channelId(subject, 'ops'), subject, name: 'ops', ends: ['failure', 'fixed'] },
        ...{ type: 'webhook', signed: true, created_by: 'ada' },
        ...{ created_at: new Date(1), updated_at: new Date(1) },
      };
      await store().set(one, target);
      const stored = await store().of(subject);
      expect(stored).toEqual([one]);
      expect(stored.every(isOfPipeline)).toBe(true);
      await store().set({ ...one, ends: ['success'] }, target);
      expect(await store().of(subject)).toEqual([{ ...one, ends: ['success'] }]);
      expect([channel('ops')].some(isOfPipeline)).toBe(false);
    });

    it('says whether there are any, to many at once', async () => {
      await store().set(channel('ops'), target);
      const asked = [subject, uuidV7(), subject].map((each) => store().hasAny(each));
      expect(await Promise.all(asked)).toEqual([true, false, true]);
      await store().remove(channelId(subject, 'ops'));
      expect(await store().hasAny(subject)).toBe(false);
    });

    it('makes one of many at once', async () => {
      await Promise.all(Array.from({ length: 5 }, () => store().set(channel('ops'), target)));
      expect(await store().of(subject)).toHaveLength(1);
    });

    it('removes one', async () => {
      await store().set(channel('b'), target);
      await store().set(channel('a'), target);
      expect((await store().of(subject)).map(({ name }) => name)).toEqual(['a', 'b']);
      expect(await store().remove(channelId(subject, 'a'))).toBe(true);
      expect(await store().remove(channelId(subject, 'a'))).toBe(false);
      expect(await store().target(channelId(subject, 'a'))).toBeUndefined();
      expect((await store().of(subject)).map(({ name }) => name)).toEqual(['b']);
      expect((await store().all()).map(({ _id }) => _id)).toContain(channelId(subject, 'b'));
    });
  });
}

const memory = new MemoryChannelStore();
describeChannelStore('MemoryChannelStore', () => memory);
