import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { containerRuntimeContract } from './container-runtime.contract.fixture.js';
import { runtimeOn } from './engine-under-test.fixture.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

describeWith(PROGRAMS, { root: true }, 'ContainerRuntime: Docker Engine', () => {
  containerRuntimeContract(async () => runtimeOn(await DockerEngine.start(), 'contract-docker'));
});
