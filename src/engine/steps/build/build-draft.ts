import type { NameUse } from '../../yaml/reader.js';
import type { StepDraft } from '../step-kind.js';
import type { BUILD_KIND, BuildAction } from './build-action.js';

/** A build as it is read: its secrets with their places. */
export interface BuildDraft extends StepDraft, Omit<BuildAction, 'kind' | 'secrets'> {
  readonly kind: typeof BUILD_KIND;
  readonly secrets: readonly NameUse[];
}
