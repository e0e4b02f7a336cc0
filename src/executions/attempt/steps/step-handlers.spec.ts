import { standIn } from '../../../../test/support/stand-in.js';
import { Metrics } from '../../../common/metrics/metrics.js';
import { MaskSet } from '../../../common/redaction/mask-set.js';
import { stepKinds } from '../../../engine/steps/step-kind-registry.js';
import type { GitClient } from '../../../integrations/git/git-client.js';
import { FakeProcessRunner } from '../../../integrations/process/fake-process-runner.js';
import { AbsentBuilder } from '../../../integrations/container-runtime/image-builder.js';
import { AbsentRuntime } from '../../../integrations/container-runtime/absent-runtime.js';
import { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import type { WorkspaceStore } from '../../../workspaces/workspace-store.js';
import { MeasuredStepHandler } from './measured-step.handler.js';
import { StepHost } from './step-environment.js';
import type { RunCaches } from './run-caches.js';
import { steadyClock } from '../steady-clock.js';
import { RunApprovals } from './run-approvals.js';
import { StepAdditions } from './step-additions.js';
import type { BroughtArtifacts } from './brought-artifacts.js';
import type { RunArtifacts } from './run-artifacts.js';
import type { RunReports } from './run-reports.js';
import { RegistryAccess } from './registry-access.js';
import { CloneAccess } from './clone-access.js';
import type { RunContext } from '../../../engine/plan/plan.js';
import { NoDeployer } from './deployer.js';
import { NoDeployHints } from './deploy-hints.js';
import { NoStartCommands } from './start-commands.js';
import { createStepHandlers } from './step-handlers.js';

/** Every kind has one handler, and every handler a kind. */
const KINDS = stepKinds.map(({ kind }) => kind).sort();

const workspace = { root: '', directory: '', home: '', temporary: '', owner: undefined };
const withoutImages = {
  workspace,
  group: 'g',
  output: {
    open: () => ({ write: (): true => true, end: () => undefined }),
    systemLine: () => undefined,
  },
  host: new StepHost(workspace),
  masks: MaskSet.from([]),
  context: standIn<RunContext>({}),
  access: CloneAccess.none,
  artifacts: standIn<RunArtifacts>({}),
  reports: standIn<RunReports>({}),
  brought: standIn<BroughtArtifacts>({}),
  caches: standIn<RunCaches>({}),
  additions: new StepAdditions(),
  sidecars: { networkOf: () => undefined, endedBeside: () => [] },
  ownership: new WorkspaceOwnership(workspace, undefined),
  approvals: new RunApprovals([], undefined),
  clock: steadyClock(),
};
const tools = {
  processes: new FakeProcessRunner(() => ({ exit: { kind: 'exited', exitCode: 0 } })),
  git: standIn<GitClient>({}),
  workspaces: standIn<WorkspaceStore>({}),
  containers: new AbsentRuntime('a spec has none'),
  builder: new AbsentBuilder('a spec has none'),
  registries: undefined,
  deployer: new NoDeployer(),
  starts: new NoStartCommands(),
  hints: new NoDeployHints(),
};
const handlers = createStepHandlers(tools);
const place = { ...withoutImages, images: handlers.imagesFor('group', RegistryAccess.none) };

describe('StepHandlers', () => {
  it('makes one handler for each kind of step, again for each run', () => {
    const [one, other] = [handlers.forRun(place), handlers.forRun(place)];
    expect(one.map(({ kind }) => kind).sort()).toEqual(KINDS);
    expect(other[0]).not.toBe(one[0]);
  });

  it('measures every kind, and none twice', () => {
    const measured = handlers.measuredBy(new Metrics()).forRun(place);
    expect(measured.map(({ kind }) => kind).sort()).toEqual(KINDS);
    for (const each of measured) expect(each).toBeInstanceOf(MeasuredStepHandler);
    for (const each of handlers.forRun(place)) expect(each).not.toBeInstanceOf(MeasuredStepHandler);
  });
});
