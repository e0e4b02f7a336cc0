import type { InstallationStore } from './installation-store.js';
import { MemoryInstallationStore } from './memory-installation-store.fixture.js';

/**
 * What every adapter of `InstallationStore` does.
 *
 * @param store a new one over the same place; nothing was claimed there yet
 */
export function describeInstallationStore(title: string, store: () => InstallationStore): void {
  describe(`${title} as InstallationStore`, () => {
    it('gives all of twenty that come at once the id of one of them, and whoever comes later', async () => {
      const asked = Array.from({ length: 20 }, (_item, n) => `id-${n}`);
      const given = await Promise.all(asked.map((id) => store().claim(id)));
      expect(asked).toContain(given[0]);
      expect(new Set(given).size).toBe(1);
      expect(await store().claim('late')).toBe(given[0]);
    });
  });
}

const memory = new MemoryInstallationStore();
describeInstallationStore('MemoryInstallationStore', () => memory);
