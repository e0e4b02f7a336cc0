import { loadProgram } from './config/load-program.js';

const { compileMessages } = await loadProgram(
  'compile-child',
  () => import('./programs/compile-child.js'),
);
compileMessages(process.argv);
