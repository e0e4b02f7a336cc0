import { setPriority } from 'node:os';
import { detectFolder } from './detections/detect-folder.js';
import type { FolderRequest } from './detections/folder-request.js';

// The program that FolderDetector starts, behind everything that serves requests: the request as
// JSON in its argument, the answer as JSON on standard output.
setPriority(10);
const request = JSON.parse(process.argv[2] ?? '') as FolderRequest;
process.stdout.write(JSON.stringify(await detectFolder(request)));
