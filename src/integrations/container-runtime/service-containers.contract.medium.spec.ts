import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { PodmanEngine } from '../../../test/support/podman-engine.js';
import { serviceContainersContract } from './service-containers.contract.fixture.js';

const DOCKER = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const PODMAN = { podman: 'podman', busybox: 'busybox-static' };

describeWith(DOCKER, { root: true }, 'ServiceContainers: Docker Engine', () => {
  serviceContainersContract(() => DockerEngine.start());
});

describeWith(PODMAN, { root: true }, "ServiceContainers: Podman's Docker API", () => {
  serviceContainersContract(() => PodmanEngine.start());
});
