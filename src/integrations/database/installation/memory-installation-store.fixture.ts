import { InstallationStore } from './installation-store.js';

export class MemoryInstallationStore extends InstallationStore {
  /** The store cannot be reached. */
  isAway = false;
  private stored: string | undefined;

  async claim(id: string): Promise<string> {
    if (this.isAway) throw new Error('the store is away');
    return (this.stored ??= id);
  }
}
