import { describeWith } from '../../../test/support/needed-programs.js';
import { PodmanEngine } from '../../../test/support/podman-engine.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { containerRuntimeContract } from './container-runtime.contract.fixture.js';
import { DockerRuntime } from './docker-runtime.js';

const PROGRAMS = { podman: 'podman', busybox: 'busybox-static' };

describeWith(PROGRAMS, { root: true }, "ContainerRuntime: Podman's Docker API", () => {
  containerRuntimeContract(async () => {
    const engine = await PodmanEngine.start();
    await makeStepImage(engine);
    const runtime = new DockerRuntime({
      host: engine.host,
      installation: 'contract-podman',
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
    return {
      runtime,
      image: `docker.io/library/${STEP_IMAGE}`,
      missing: 'docker.io/library/nowhere:1',
      close: async () => {
        await runtime.close();
        expect(await engine.podman('ps', '--all', '--quiet')).toBe('');
        await engine.stop();
      },
    };
  });
});
