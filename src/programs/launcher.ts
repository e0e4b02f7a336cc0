import { engineAddress } from '../config/container-engine.js';
import { ownerLabel } from '../integrations/container-runtime/docker-labels.js';
import { runLauncher } from '../integrations/process/launcher/launcher-main.js';
import type { LauncherOptions } from '../integrations/process/protocol/launcher-protocol.js';

/**
 * The launcher: started by `LauncherProcessRunner` only, with its options as JSON in the one
 * argument. Loads no Nest, and the client of the container engine only at the end.
 */
export async function launch(argument: string): Promise<void> {
  const options = JSON.parse(argument) as LauncherOptions;
  await runLauncher(options, (worker) => {
    const owner = ownerLabel(worker);
    return async () => {
      const host = options.engine && engineAddress(options.engine.host);
      if (options.engine === undefined || host === undefined) return;
      const { removeOwned } = await import('../integrations/container-runtime/owned-containers.js');
      await removeOwned({ host, owner });
    };
  });
}
