import { DockerEngine } from './docker-engine.js';
import { MillraceServer } from './millrace-server.js';
import { makeStepImage } from './step-image.js';
import { stopAll } from './stop-all.js';

/** A server whose worker runs steps in the image of the tests, on an engine of its own. */
export class ContainerServer {
  private constructor(
    readonly engine: DockerEngine,
    readonly server: MillraceServer,
  ) {}

  static async start(): Promise<ContainerServer> {
    const engine = await DockerEngine.start();
    try {
      await makeStepImage(engine);
      const environment = { DOCKER_HOST: engine.host };
      return new ContainerServer(engine, await MillraceServer.start({ environment }));
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await stopAll(
      () => this.server.stop(),
      () => this.engine.stop(),
    );
  }
}
