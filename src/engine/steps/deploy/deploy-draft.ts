import type { NameUse } from '../../yaml/reader.js';
import type { StepDraft } from '../step-kind.js';
import type { PartDeploy, UnitDeploy } from './deploy-action.js';

interface UsesSecrets {
  /** The secrets that it uses, with their places. */
  readonly secretUses: readonly NameUse[];
}

/** Releases of one type as they are read. */
export type PartDraft = StepDraft & PartDeploy & UsesSecrets;

/** A deployment as it is read. */
export type DeployDraft = StepDraft & (PartDeploy | UnitDeploy) & UsesSecrets;
