import { uuidV7 } from '../../common/ids/uuid.js';
import { type Alert, type ServiceAlert, withDeliveries } from './alert.js';
import { newAlert, newDelivery, newExecutionAlert } from './alert.fixture.js';
import type { AlertState } from './alert-state.js';
import type { AlertStore } from './alert-store.js';
import { MemoryAlertStore } from './memory-alert-store.fixture.js';

/** What every adapter of `AlertStore` does. */
export function describeAlertStore(title: string, store: () => AlertStore): void {
  describe(`${title} as AlertStore`, () => {
    let subject: string;
    const alert = (seq: number, more: Partial<ServiceAlert> = {}): ServiceAlert =>
      newAlert(seq, { subject, ...more });
    const delivered = newDelivery({ state: 'delivered', next_at: null, tried_at: new Date(5) });

    beforeEach(() => {
      subject = uuidV7();
    });

    it('keeps an alert once, as it was first', async () => {
      const one = alert(1, {
        caused_by: ['default/db'],
        followers: [{ service: 'default/web', status: 'failed', at: new Date(3) }],
        after_deployment: { deployment_id: 'd', at: new Date(1), seconds: 120 },
      });
      await Promise.all(Array.from({ length: 4 }, () => store().insert(one)));
      await store().insert({ ...one, to: 'degraded' });
      expect(await store().find(one._id)).toEqual(one);
      expect(await store().find(`${subject}:none`)).toBeUndefined();
    });

    it('keeps that of an execution, which is due when its deliveries are', async () => {
      const one = newExecutionAlert({ subject });
      await Promise.all(Array.from({ length: 4 }, () => store().insert(one)));
      expect(await store().find(one._id)).toEqual(one);
      expect(await store().open(subject, 9)).toEqual([one]);
      const silent = newExecutionAlert({ subject, at: new Date(7), reason: null });
      const next_at = null;
      const skipped = newDelivery({
        state: 'skipped',
        next_at,
        reason: { code: 'c', message: 'm' },
      });
      await store().insert(withDeliveries(silent, [skipped]));
      expect(await store().open(subject, 9)).toEqual([one]);
      expect((await store().page(subject, { limit: 9 })).items.map(({ at }) => at)).toEqual([
        one.at,
        silent.at,
      ]);
    });

    it('lets one of those who saw the same version change it', async () => {
      await store().insert(alert(1));
      const next = { ...withDeliveries(alert(1), [delivered]), version: 2 };
      expect(await store().save(next)).toBe(true);
      expect(await store().save({ ...next, deliveries: [] })).toBe(false);
      expect(await store().find(next._id)).toEqual(next);
      expect(await store().save(alert(2, { version: 2 }))).toBe(false);
    });

    it('finds what is due, and what of a subject is not over', async () => {
      const at = (time: number, seq: number): Alert =>
        alert(seq, { deliveries: [newDelivery({ next_at: new Date(time) })] });
      for (const one of [at(-3_000, 2), at(-4_000, 1), at(9_000, 3)]) await store().insert(one);
      await store().insert(alert(4, { deliveries: [delivered] }));
      const due = await store().due(new Date(0), 50);
      expect(due.filter((one) => one.subject === subject).map((one) => one._id)).toEqual(
        [alert(1), alert(2)].map(({ _id }) => _id),
      );
      const open = await store().open(subject, 50);
      expect(open.map(({ _id }) => _id)).toEqual([1, 2, 3].map((seq) => alert(seq)._id));
      expect(await store().open(subject, 2)).toHaveLength(2);
    });

    it('gives pages of one subject, the newest first, until they are removed', async () => {
      for (const seq of [1, 2, 10]) await store().insert(alert(seq));
      const { items, next } = await store().page(subject, { limit: 2 });
      expect(items.map(({ _id }) => _id)).toEqual([alert(10)._id, alert(2)._id]);
      const rest = await store().page(subject, { limit: 2, ...(next && { after: next }) });
      expect(rest.items).toEqual([alert(1)]);
      await store().insert(alert(11, { created_at: new Date(9_000_000) }));
      await store().removeBefore(new Date(8_000_000));
      const left = await store().page(subject, { limit: 9 });
      expect(left.items.map(({ _id }) => _id)).toEqual([alert(11)._id]);
    });

    it('keeps how far a service was told of, for one who saw it so', async () => {
      const state: AlertState = {
        ...{ _id: subject, service: 'default/shop', seq: 3, told: 'running' },
        ...{ alert: null, held: null, version: 1 },
      };
      const first = [1, 2, 3].map((seq) => store().saveState({ ...state, seq }));
      expect((await Promise.all(first)).filter(Boolean)).toHaveLength(1);
      const next = { ...state, seq: 4, told: 'failed', alert: 'a', held: 4, version: 2 } as const;
      expect(await store().saveState(next)).toBe(true);
      expect(await store().saveState({ ...next, seq: 9 })).toBe(false);
      expect((await store().states()).get(subject)).toEqual(next);
      await store().removeState(subject);
      await store().removeState(subject);
      expect((await store().states()).get(subject)).toBeUndefined();
    });
  });
}

const memory = new MemoryAlertStore();
describeAlertStore('MemoryAlertStore', () => memory);
