import type { StepAction } from '../../plan/plan.js';

export const BUILD_KIND = 'build';

/** What such a step sets by itself, beside what its `outputs` name. */
export const BUILD_OUTPUTS = ['image', 'digest'] as const;

/** In plans: builds an image. Every text is a template, but names of secrets. */
export interface BuildAction extends StepAction {
  readonly kind: typeof BUILD_KIND;
  /** Folder of the workspace; `.` = all of it. */
  readonly context: string;
  /** Inside of the context; absent = `Dockerfile`. */
  readonly dockerfile?: string;
  /** Stage of the Dockerfile; absent = the last one. */
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
  /** Whole names of images; none = the image is built and not kept. */
  readonly tags?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of secrets that instructions may mount. */
  readonly secrets?: readonly string[];
  /** Images whose layers are taken where they fit; `true` = those of the tags. */
  readonly cacheFrom?: true | readonly string[];
  readonly push?: true;
  readonly platform?: string;
  /** `always`: the registries are asked for every image that it is built of. */
  readonly pull?: 'always';
  /** Of the instructions. */
  readonly network?: 'none';
}
