import { type ImageImporter, makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import type { RuntimeUnderTest } from './container-runtime.contract.fixture.js';
import { DockerRuntime } from './docker-runtime.js';

/** A container engine of a spec's own. */
export interface SpecEngine extends ImageImporter {
  readonly host: string;
  /** Ids of its containers, running or not, and of networks that groups have. */
  leftovers(): Promise<string>;
  stop(): Promise<void>;
}

/**
 * The runtime on an engine, on which it must have left nothing at the end. The engine is stopped
 * whatever fails: a daemon and its bridges would stay on the machine.
 *
 * @param installation names of bridges come of it: of all engines of a machine none may have the
 *   same
 */
export async function runtimeOn(
  engine: SpecEngine,
  installation: string,
): Promise<RuntimeUnderTest> {
  try {
    await makeStepImage(engine);
  } catch (error) {
    await engine.stop();
    throw error;
  }
  const runtime = new DockerRuntime({
    ...{ host: engine.host, installation },
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  return {
    runtime,
    image: `docker.io/library/${STEP_IMAGE}`,
    missing: 'docker.io/library/nowhere:1',
    close: async () => {
      await stopAll(
        () => runtime.close(),
        async () => expect(await engine.leftovers()).toBe(''),
        () => engine.stop(),
      );
    },
  };
}
