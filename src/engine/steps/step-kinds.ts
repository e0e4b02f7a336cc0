import { approvalKind } from './approval/approval-kind.js';
import { buildKind } from './build/build-kind.js';
import { containerKind } from './container/container-kind.js';
import { deployKind } from './deploy/deploy-kind.js';
import { gitKind } from './git/git-kind.js';
import { shellKind } from './shell/shell-kind.js';
import type { StepKind } from './step-kind.js';

/**
 * Every kind of step that there is. To add one: a folder beside this file, its name in this list,
 * and its handler in `executions/attempt/steps`. Specs hold the list against handlers and
 * documentation.
 */
export const STEP_KINDS = [
  shellKind,
  containerKind,
  buildKind,
  gitKind,
  deployKind,
  approvalKind,
] as const satisfies readonly StepKind[];

export type StepKindName = (typeof STEP_KINDS)[number]['kind'];
