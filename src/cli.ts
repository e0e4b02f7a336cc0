import { loadProgram } from './config/load-program.js';

const { runProgram } = await loadProgram('cli', () => import('./cli/program.js'));
process.exitCode = await runProgram(process.argv);
