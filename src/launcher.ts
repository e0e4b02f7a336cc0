import type { LauncherOptions } from './integrations/process/launcher-protocol.js';
import { runLauncher } from './integrations/process/launcher-main.js';

/** Entry of the launcher: started by `LauncherProcessRunner` only, with its options as JSON in the one argument. Loads no Nest. */
await runLauncher(JSON.parse(process.argv[2] ?? '') as LauncherOptions);
process.exit(0);
