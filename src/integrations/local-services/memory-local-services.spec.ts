import { LocalServicesError } from './local-services.error.js';
import { localServicesContract } from './local-services.contract.fixture.js';
import { MemoryLocalServices } from './memory-local-services.fixture.js';

describe('MemoryLocalServices', () => {
  localServicesContract(async () => {
    const services = new MemoryLocalServices(['ready']);
    return {
      services,
      program: 'true',
      end: ({ id }) => services.end(id, 1),
      close: async () => {
        for (const { id } of await services.list()) await services.remove(id);
      },
    };
  });

  it('is away when a test says so', async () => {
    const services = new MemoryLocalServices();
    services.isAway = true;
    await expect(services.list()).rejects.toThrow(LocalServicesError);
  });
});
