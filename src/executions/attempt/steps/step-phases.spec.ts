import { standIn } from '../../../../test/support/stand-in.js';
import type { StepPlan } from '../../../engine/plan/plan.js';
import type { PhaseState } from '../../../engine/plan/run-state.js';
import {
  type Call,
  FakeHandler,
  finished,
  inOrder,
  sequential,
  step,
  stepOf,
} from '../../../engine/runtime/run-plan.fixture.js';
import type { StepHandler, StepOutcome } from '../../../engine/runtime/step-handler.js';
import type { BroughtArtifacts } from './brought-artifacts.js';
import type { RunArtifacts } from './run-artifacts.js';
import type { RunCaches } from './run-caches.js';
import type { RunReports } from './run-reports.js';
import { collecting, type StepPlace } from './step-handlers.js';
import { StepAdditions } from './step-additions.js';

const WITHOUT = {};
const CACHE = { caches: [{ tool: 'npm' }] } as const;
const SOURCES = { artifactsFrom: [{ stage: 'build' }] };
const ARTIFACTS = { artifacts: { paths: ['dist'], when: 'always' } } as const;
const REPORTS = { reports: { junit: ['*.xml'] } };

type Extras = Pick<StepPlan, 'caches' | 'artifacts' | 'artifactsFrom' | 'reports'>;

const SUCCESS: StepOutcome = { kind: 'success', exitCode: 0 };
const FAILED: StepOutcome = { kind: 'failed', exitCode: 1 };

const COMMANDS = { commands: ['make'], shell: 'sh' } as const;

/** Steps of each kind, and what their handlers tell of what they do. */
const KINDS = {
  shell: { action: { kind: 'shell', ...COMMANDS }, told: [] },
  container: {
    action: { kind: 'container', image: 'a:1', ...COMMANDS },
    told: ['pull', 'ready', 'command'],
  },
  build: { action: { kind: 'build', context: '.' }, told: ['ready', 'command'] },
} as const;

type Kind = keyof typeof KINDS;

function handlerOf(kind: Kind, outcome: StepOutcome): StepHandler {
  const script = ({ progress }: Call): StepOutcome => {
    for (const phase of KINDS[kind].told) progress.begin(phase);
    return outcome;
  };
  const place = standIn<StepPlace>({
    caches: standIn<RunCaches>({
      restore: async () => ({ variables: {}, additions: { mounts: [], options: [] }, open: [] }),
      save: async () => [],
    }),
    additions: new StepAdditions(),
    artifacts: standIn<RunArtifacts>({ keep: async () => ({ files: 1, bytes: 1 }) }),
    reports: standIn<RunReports>({ keep: async () => undefined }),
    brought: standIn<BroughtArtifacts>({ bring: async () => undefined }),
    ownership: standIn<StepPlace['ownership']>({ asServer: (work) => work() }),
  });
  return collecting(() => new FakeHandler(kind, script))(place);
}

async function phasesOf(kind: Kind, extras: Extras, outcome = SUCCESS): Promise<string> {
  const only = step('only', { ...extras, action: KINDS[kind].action });
  const { state } = await finished(inOrder([sequential('s', [only])]), {
    ports: { handlers: [handlerOf(kind, outcome)] },
  });
  const phases = stepOf(state, 's', 'only').attempts[0]?.phases ?? [];
  expect(phases.filter(({ finishedAt }: PhaseState) => finishedAt === undefined)).toEqual([]);
  return phases.map(({ name }) => name).join(' ');
}

describe('the phases of a try', () => {
  it.each([
    ['nothing', WITHOUT, '', ''],
    ['a cache', CACHE, 'restore', 'collect'],
    ['artifacts', ARTIFACTS, '', 'collect'],
    ['reports', REPORTS, '', 'collect'],
    ['artifacts of others', SOURCES, 'restore', ''],
    ['artifacts and reports', { ...ARTIFACTS, ...REPORTS }, '', 'collect'],
    ['a cache and artifacts', { ...CACHE, ...ARTIFACTS }, 'restore', 'collect'],
    ['a cache and reports', { ...CACHE, ...REPORTS }, 'restore', 'collect'],
    ['a cache and those of others', { ...CACHE, ...SOURCES }, 'restore', 'collect'],
    ['all', { ...CACHE, ...SOURCES, ...ARTIFACTS, ...REPORTS }, 'restore', 'collect'],
  ] as const)('are there once and in order, with %s', async (_name, extras, before, after) => {
    const around = (own: string): string =>
      [before, own, after].filter((part) => part !== '').join(' ');
    const commands = around(extras === WITHOUT ? '' : 'command');
    for (const outcome of [SUCCESS, FAILED]) {
      expect(await phasesOf('shell', extras, outcome)).toBe(commands);
      expect(await phasesOf('container', extras, outcome)).toBe(around('pull ready command'));
      expect(await phasesOf('build', extras, outcome)).toBe(around('ready command'));
    }
  });
});
