import type Docker from 'dockerode';
import { standIn } from '../../../test/support/stand-in.js';
import {
  groupNetworkName,
  openGroupNetwork,
  openServicesNetwork,
  openStepsNetwork,
} from './docker-network.js';

const ICC = 'com.docker.network.bridge.enable_icc';

describe('networks of an installation', () => {
  let made: Docker.NetworkCreateOptions[];
  const docker = standIn<Docker>({
    getNetwork: () =>
      standIn<Docker.Network>({
        inspect: () =>
          Promise.reject(Object.assign(new Error('no such network'), { statusCode: 404 })),
      }),
    createNetwork: ((options: Docker.NetworkCreateOptions) => {
      made.push(options);
      return Promise.resolve(standIn<Docker.Network>({}));
    }) as Docker['createNetwork'],
  });

  beforeEach(() => (made = []));

  it('keep containers of steps, and of services, from each other', async () => {
    await openStepsNetwork(docker, 'aaaa');
    await openServicesNetwork(docker, 'aaaa');
    expect(made.map(({ Options }) => Options?.[ICC])).toEqual(['false', 'false']);
  });

  it('let those of one group reach each other, apart from all others', async () => {
    const name = groupNetworkName('aaaa', 'e.1');
    await openGroupNetwork(docker, name, {});
    await openStepsNetwork(docker, 'aaaa');
    await openServicesNetwork(docker, 'aaaa');
    await openStepsNetwork(docker, 'bbbb');
    expect(made[0]?.Options).not.toHaveProperty(ICC);
    const bridges = made.map(({ Options }) => Options?.['com.docker.network.bridge.name']);
    expect(new Set(bridges).size).toBe(4);
    expect(made.map(({ Name }) => Name)).toEqual(bridges);
    // Of a network interface; and what the rule of the firewall is for.
    for (const bridge of bridges) expect(bridge).toMatch(/^mr-[0-9a-f]{11}$/);
  });
});
