import { loadProgram } from './config/load-program.js';

const { launch } = await loadProgram('launcher', () => import('./programs/launcher.js'));
await launch(process.argv[2] ?? '');
process.exit(0);
