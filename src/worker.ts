import { loadProgram } from './config/load-program.js';

const { runWorker } = await loadProgram('worker', () => import('./programs/worker.js'));
runWorker();
