import { messageOf } from '../../common/values/error-message.js';
import { LocalServicesError } from '../../integrations/local-services/local-services.error.js';
import { ProxyAwayError } from '../../integrations/reverse-proxy/reverse-proxy.js';

/**
 * Lets the supervisor of services bring up the reverse proxy.
 *
 * @throws ProxyAwayError where the supervisor is away, as while it is started again
 */
export async function askForProxy(supervisor: { ensureProxy(): Promise<void> }): Promise<void> {
  try {
    await supervisor.ensureProxy();
  } catch (error) {
    const isPassing = error instanceof LocalServicesError && error.code === 'unavailable';
    throw isPassing ? new ProxyAwayError(messageOf(error), { cause: error }) : error;
  }
}
