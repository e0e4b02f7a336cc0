import { runLauncher } from './integrations/process/launcher/launcher-main.js';
import type { LauncherOptions } from './integrations/process/protocol/launcher-protocol.js';

/**
 * Entry of the launcher: started by `LauncherProcessRunner` only, with its options as JSON in the
 * one argument. Loads no Nest.
 */
await runLauncher(JSON.parse(process.argv[2] ?? '') as LauncherOptions);
process.exit(0);
