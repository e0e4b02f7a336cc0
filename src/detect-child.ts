import { setPriority } from 'node:os';
import { loadProgram } from './config/load-program.js';

// Behind everything that serves requests.
setPriority(10);
const { answerDetection } = await loadProgram(
  'detect-child',
  () => import('./programs/detect-child.js'),
);
await answerDetection(process.argv[2] ?? '');
