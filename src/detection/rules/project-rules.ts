import type { Candidate, ProjectType } from '../candidate.js';
import type { ProjectFiles } from '../project-files.js';

/** What finds projects of one type. */
export interface ProjectRules {
  readonly type: ProjectType;
  /** Undefined: nothing in the folder hints at it. */
  examine(files: ProjectFiles): Promise<Candidate | undefined>;
}
