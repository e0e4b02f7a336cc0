import { loadProgram } from './config/load-program.js';

const { runApi } = await loadProgram('main', () => import('./programs/api.js'));
runApi();
