import type { ProjectType } from '../detection/candidate.js';
import type { DetectionView } from '../detection/detection-view.js';
import type { DetectionProblem } from './detection-problem.js';

/** What of a project is asked for. */
export interface ProjectChoice {
  /** Folder below its top; absent: the top. */
  readonly path?: string;
  /** What a person says that it is. */
  readonly type?: ProjectType;
}

export interface FolderRequest extends ProjectChoice {
  /** Absolute path of the top of the project; no stranger can change it. */
  readonly root: string;
}

/** What it is, or why nobody can say. */
export type DetectionEnd =
  | { readonly kind: 'detection'; readonly detection: DetectionView }
  | { readonly kind: 'problem'; readonly problem: DetectionProblem };
