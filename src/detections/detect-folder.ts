import { detectProject } from '../detection/detect-project.js';
import { detectionView } from '../detection/detection-view.js';
import { DiskTree } from '../detection/tree/disk-tree.js';
import { TooManyNamesError } from '../detection/tree/project-tree.js';
import { detectionProblem } from './detection-problem.js';
import type { DetectionEnd, FolderRequest } from './folder-request.js';

/** What a folder of the disk holds. Not for a process that serves others: see `FolderDetector`. */
export async function detectFolder({ root, path, type }: FolderRequest): Promise<DetectionEnd> {
  const tree = new DiskTree(root);
  try {
    if (path !== undefined && (await tree.list(path)) === undefined) {
      return detectionProblem('no_such_folder', `The project has no folder "${path}".`);
    }
    const detection = await detectProject(tree, {
      ...(path !== undefined && { folder: path }),
      ...(type !== undefined && { type }),
    });
    return { kind: 'detection', detection: detectionView(detection) };
  } catch (error) {
    if (!(error instanceof TooManyNamesError)) throw error;
    return detectionProblem('too_many_names', error.message);
  }
}
