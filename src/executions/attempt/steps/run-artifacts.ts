import { shownSize } from '../../../common/values/shown-size.js';
import type { ArtifactsPlan } from '../../../engine/plan/artifacts-plan.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import type { ArtifactFacts } from '../../../engine/plan/run-state.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import type { LeftOutReason } from '../../../common/tree/left-out.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { ArtifactKeeper, KeptArtifacts } from '../../artifacts/artifact-keeper.js';
import { scratchOf } from './scratch-folder.js';
import type { StepOutput } from './step-output.js';

/** Names of what was left out that the log shows. */
const SHOWN = 10;

const WHY: Readonly<Record<LeftOutReason, string>> = {
  special_file: 'it is no file, folder or link',
  invalid_name: 'its name is no UTF-8',
  path_too_long: 'its path is too long',
  too_deep: 'it lies too deep',
  unreadable: 'it cannot be read',
  vanished: 'it was removed meanwhile',
  changing: 'it was written to all the time',
  dangling_link: 'it is a link to nothing',
  outward_link: 'it is a link out of the workspace',
};

/** Keeps the artifacts of one run, and says in the log what was kept and what was not. */
export class RunArtifacts {
  constructor(
    private readonly keeper: ArtifactKeeper,
    private readonly context: Pick<RunContext, 'executionId' | 'executionAttempt' | 'pipelineId'>,
    private readonly workspace: Workspace,
    private readonly output: Pick<StepOutput, 'systemLine'>,
  ) {}

  /** @throws what `ArtifactKeeper.keep` throws */
  async keep(
    address: StepAddress,
    plan: ArtifactsPlan,
    signal: AbortSignal,
  ): Promise<ArtifactFacts> {
    const { executionId, executionAttempt, pipelineId } = this.context;
    const { directory } = this.workspace;
    const scratch = await scratchOf(this.workspace);
    const kept = await this.keeper.keep(
      { executionId, executionAttempt, pipelineId, ...address },
      plan,
      { root: directory, scratch },
      signal,
    );
    for (const line of linesOf(kept)) this.tell(address, line);
    return { files: kept.files, bytes: kept.bytes };
  }

  tell(address: StepAddress, line: string): void {
    this.output.systemLine(address, line);
  }
}

function linesOf({ files, bytes, unmatched, leftOut }: KeptArtifacts): string[] {
  const { listed, unlisted } = leftOut;
  const more = listed.length - SHOWN + unlisted;
  return [
    `artifacts: ${files} ${files === 1 ? 'file' : 'files'}, ${shownSize(bytes)}`,
    ...unmatched.map((path) => `artifacts: nothing fits ${path}`),
    ...listed
      .slice(0, SHOWN)
      .map(({ path, reason }) => `artifacts: left out ${path}: ${WHY[reason]}`),
    ...(more > 0 ? [`artifacts: ${more} more were left out`] : []),
  ];
}
