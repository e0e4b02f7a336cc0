import { MemoryInstallationStore } from './memory-installation-store.fixture.js';
import { StoredInstallation } from './stored-installation.js';

describe('StoredInstallation', () => {
  const there = (): Promise<void> => Promise.resolve();

  it('is the same for all processes of a database, and another one for another', async () => {
    const store = new MemoryInstallationStore();
    const [one, two] = [new StoredInstallation(store, there), new StoredInstallation(store, there)];
    const other = new StoredInstallation(new MemoryInstallationStore(), there);
    expect(await one.id()).toMatch(/^[0-9a-f]{16}$/);
    expect(await two.id()).toBe(await one.id());
    expect(await other.id()).not.toBe(await one.id());
  });

  it('is asked for again where the store was away, and never again once it is known', async () => {
    const store = new MemoryInstallationStore();
    const installation = new StoredInstallation(store, there);
    store.isAway = true;
    await expect(installation.id()).rejects.toThrow('away');
    store.isAway = false;
    const id = await installation.id();
    store.isAway = true;
    expect(await installation.id()).toBe(id);
  });

  it('waits for the first connection, and not for ever', async () => {
    jest.useFakeTimers();
    try {
      const store = new MemoryInstallationStore();
      store.isAway = true;
      const never = new StoredInstallation(store, () => new Promise(() => undefined));
      const asked = never.id().catch(String);
      await jest.advanceTimersByTimeAsync(3_000);
      expect(await asked).toContain('away');
      let connect = (): void => undefined;
      const late = new StoredInstallation(
        store,
        () => new Promise((resolve) => (connect = resolve)),
      );
      const id = late.id();
      await jest.advanceTimersByTimeAsync(2_000);
      store.isAway = false;
      connect();
      expect(await id).toMatch(/^[0-9a-f]{16}$/);
    } finally {
      jest.useRealTimers();
    }
  });
});
