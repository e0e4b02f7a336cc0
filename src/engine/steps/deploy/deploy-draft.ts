import type { NameUse } from '../../yaml/reader.js';
import type { StepDraft } from '../step-kind.js';
import type { DeployAction } from './deploy-action.js';

/** A deployment as it is read: the secrets that it uses with their places. */
export type DeployDraft = StepDraft & DeployAction & { readonly secretUses: readonly NameUse[] };
