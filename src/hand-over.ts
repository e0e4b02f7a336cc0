import { handOver, type HandOverRequest } from './workspaces/hand-over.js';

// The program that TreeOwners starts, with its request as JSON in the one argument. Loads no Nest.
await handOver(JSON.parse(process.argv[2] ?? '') as HandOverRequest);
