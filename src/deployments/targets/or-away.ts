import { messageOf } from '../../common/values/error-message.js';
import { EngineAwayError } from '../../integrations/container-runtime/container-runtime.js';
import { LocalServicesError } from '../../integrations/local-services/local-services.error.js';
import { ProxyAwayError } from '../../integrations/reverse-proxy/reverse-proxy.js';
import { TargetAwayError } from './deploy-target.js';

/** What cannot be asked now is asked again later: it is a TargetAwayError. */
export async function orAway<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const code = awayCode(error);
    if (code === undefined) throw error;
    throw new TargetAwayError({ code, message: messageOf(error) });
  }
}

function awayCode(error: unknown): string | undefined {
  if (error instanceof EngineAwayError) return 'engine_away';
  if (error instanceof ProxyAwayError) return 'proxy_away';
  const isUnavailable = error instanceof LocalServicesError && error.code === 'unavailable';
  return isUnavailable ? 'services_away' : undefined;
}
