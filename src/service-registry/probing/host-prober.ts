import { messageOf } from '../../common/values/error-message.js';
import type { ProbeResult, ServiceCheck } from '../checks/service-check.js';
import { type InstanceProber, Prober, type ProbeTarget } from './prober.js';

/** Asks addresses over the network, and instances of this host by what runs them. */
export class HostProber extends Prober {
  /**
   * @param network of addresses
   * @param instances undefined: this process looks into no instances, as the API does not
   */
  constructor(
    private readonly network: Prober,
    private readonly instances?: InstanceProber,
  ) {
    super();
  }

  async probe(target: ProbeTarget, check: ServiceCheck): Promise<ProbeResult> {
    const { instance, isOwn } = target;
    if (instance === undefined) return this.network.probe(target, check);
    if (!isOwn || this.instances === undefined) {
      const message = `it is looked at by a worker of the host ${instance.host}, and none does`;
      return { ok: null, code: 'not_askable', message };
    }
    try {
      return await this.instances.look(instance);
    } catch (error) {
      return { ok: null, code: 'not_askable', message: messageOf(error) };
    }
  }
}
