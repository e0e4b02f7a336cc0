import {
  LocalServicesError,
  type LocalServicesErrorCode,
} from '../../integrations/local-services/local-services.error.js';
import { ProxyAwayError } from '../../integrations/reverse-proxy/reverse-proxy.js';
import { askForProxy } from './ask-for-proxy.js';

describe('askForProxy', () => {
  const failing = (code: LocalServicesErrorCode): Promise<void> =>
    askForProxy({
      ensureProxy: () => Promise.reject(new LocalServicesError(code, 'no supervisor')),
    });

  it('tells a supervisor that is away as a proxy that is away, which is tried again soon', async () => {
    await expect(failing('unavailable')).rejects.toThrow(ProxyAwayError);
    await expect(failing('unavailable')).rejects.toThrow('no supervisor');
  });

  it('passes on why it cannot be brought up', async () => {
    await expect(failing('failed')).rejects.toThrow(LocalServicesError);
  });
});
