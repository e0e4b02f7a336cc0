import { standIn } from '../../../../test/support/stand-in.js';
import type { ServiceContainers } from '../../../integrations/container-runtime/service-containers.js';
import { ContainerInstances } from './container-instances.js';

describe('ContainerInstances', () => {
  it('leaves a container 10 s between TERM and KILL', async () => {
    const remove = jest.fn().mockResolvedValue(undefined);
    await new ContainerInstances(standIn<ServiceContainers>({ remove })).remove('shop.1');
    expect(remove.mock.calls).toEqual([['shop.1', 10_000]]);
  });
});
