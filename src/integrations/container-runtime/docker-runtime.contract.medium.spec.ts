import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { containerRuntimeContract } from './container-runtime.contract.fixture.js';
import { DockerRuntime } from './docker-runtime.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

describeWith(PROGRAMS, { root: true }, 'ContainerRuntime: Docker Engine', () => {
  containerRuntimeContract(async () => {
    const engine = await DockerEngine.start();
    await makeStepImage(engine);
    const runtime = new DockerRuntime({
      host: engine.host,
      // Names of bridges come of it: of all engines of a machine none may have the same.
      installation: 'contract-docker',
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
        expect(await engine.docker('ps', '--all', '--quiet')).toBe('');
        const networks = ['network', 'ls', '--quiet', '--filter', 'label=millrace.group'];
        expect(await engine.docker(...networks)).toBe('');
        await engine.stop();
      },
    };
  });
});
