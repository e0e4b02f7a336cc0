import { detectFolder } from '../detections/detect-folder.js';
import type { FolderRequest } from '../detections/folder-request.js';

/**
 * The program that FolderDetector starts: the request as JSON in its argument, the answer as JSON
 * on standard output.
 */
export async function answerDetection(argument: string): Promise<void> {
  const request = JSON.parse(argument) as FolderRequest;
  process.stdout.write(JSON.stringify(await detectFolder(request)));
}
