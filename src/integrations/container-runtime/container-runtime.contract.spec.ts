import { behaviours, containerRuntimeContract } from './container-runtime.contract.fixture.js';
import { FakeContainerRuntime } from './fake-container-runtime.js';

const IMAGE = 'docker.io/library/step:1';

describe('ContainerRuntime: fake', () => {
  containerRuntimeContract(async () => ({
    runtime: new FakeContainerRuntime(
      new Map([[IMAGE, { users: new Map([['app', { uid: 1000, gid: 1000 }]]) }]]),
      ({ command }) => {
        const known = Object.values(behaviours).find(({ line }) => line === command?.at(-1));
        if (!known) throw new Error(`no script for ${String(command)}`);
        return known.script;
      },
    ),
    image: IMAGE,
    missing: 'docker.io/library/nowhere:1',
    close: async () => undefined,
  }));
});
