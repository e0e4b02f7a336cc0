import { describeWith } from '../../../test/support/needed-programs.js';
import { PodmanEngine } from '../../../test/support/podman-engine.js';
import { containerRuntimeContract } from './container-runtime.contract.fixture.js';
import { closeHost } from './host-firewall.js';
import { runtimeOn } from './engine-under-test.fixture.js';

const PROGRAMS = { podman: 'podman', busybox: 'busybox-static' };

describeWith(PROGRAMS, { root: true }, "ContainerRuntime: Podman's Docker API", () => {
  containerRuntimeContract(async () => {
    // As workers have it: names must be found all the same.
    expect(await closeHost({ isPodman: true })).toBeUndefined();
    return runtimeOn(await PodmanEngine.start(), 'contract-podman');
  });
});
