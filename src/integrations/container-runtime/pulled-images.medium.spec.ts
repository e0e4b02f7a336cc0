import { DockerEngine } from '../../../test/support/docker-engine.js';
import { ImageRegistry } from '../../../test/support/image-registry.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { PodmanEngine } from '../../../test/support/podman-engine.js';
import { pulledImagesSuite } from './pulled-images.fixture.js';

const REGISTRY = { 'docker-registry': 'docker-registry' };
const DOCKER = { ...REGISTRY, dockerd: 'docker.io', docker: 'docker.io' };
const PODMAN = { ...REGISTRY, podman: 'podman' };
const registry = (): Promise<ImageRegistry> => ImageRegistry.start();

describeWith(DOCKER, { root: true }, 'images that were fetched: Docker Engine', () => {
  pulledImagesSuite(async () => {
    const engine = await DockerEngine.start();
    return {
      host: engine.host,
      run: (...args) => engine.docker(...args),
      importRoot: (...args) => engine.importRoot(...args),
      stop: () => engine.stop(),
    };
  }, registry);
});

describeWith(PODMAN, { root: true }, "images that were fetched: Podman's Docker API", () => {
  pulledImagesSuite(async (host) => {
    const engine = await PodmanEngine.start([host]);
    return {
      host: engine.host,
      run: (...args) => engine.podman(...args),
      importRoot: (...args) => engine.importRoot(...args),
      stop: () => engine.stop(),
    };
  }, registry);
});
