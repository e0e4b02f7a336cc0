import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Approval } from '../../environments/approval.js';
import type {
  Deployment,
  DirectArtifact,
  DeploymentPhase,
  DeploymentPhaseTimes,
  Release,
} from '../record/deployment.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import { explainDeployment, type ExplainedDeployment } from './deployment-explanation.js';

const second = (n: number): Date => new Date(Date.UTC(2026, 0, 31, 12, 0, n));

function deploymentOf(more: Partial<Deployment> = {}): Deployment {
  return {
    ...{ _id: 'd3', request_key: 'k', kind: 'deploy', service_id: 'production/shop' },
    ...{ environment: 'production', service: 'shop', turn: 3, type: 'docker_container' },
    settings: { type: 'docker_container' } as Deployment['settings'],
    ...{ host: 'web-1', status: 'pending', phase: null, phases: [], reason: null, warnings: [] },
    ...{ worker_id: 'w', fence: 1, release_id: 'r3', previous_release_id: 'r2' },
    ...{ execution_id: 'e3', pipeline_id: 'p', pipeline_name: 'shop', stage: 'ship' },
    ...{ step: 'web', commit: '4f0c3d2a1b2c3d4e5f60718293a4b5c6d7e8f901', branch: 'main' },
    ...{ triggered_by: 'ada', cancel_requested_by: null, logs: [] },
    ...{ created_at: second(0), started_at: null, finished_at: null },
    ...more,
  };
}

function releaseOf(number: number, more: Partial<Release> = {}): Release {
  return {
    ...{ _id: `r${number}`, service_id: 'production/shop', environment: 'production' },
    ...{ service: 'shop', number, type: 'docker_container', host: 'web-1', status: 'serving' },
    settings: { type: 'docker_container' } as Release['settings'],
    ...{ deployment_id: `d${number}`, execution_id: `e${number}`, dated_by: null },
    ...{ pipeline_id: 'p', commit: null, digest: 'sha256:ab', files: 0, bytes: 2048 },
    ...{ created_at: second(5), served_at: null },
    ...more,
  };
}

/** Phases of one second each, from the fourth second on. */
function phasesOf(
  names: readonly DeploymentPhase[],
  more: Partial<Record<DeploymentPhase, Partial<DeploymentPhaseTimes>>> = {},
): DeploymentPhaseTimes[] {
  return names.map((name, index) => ({
    ...{ name, started_at: second(4 + index), finished_at: second(5 + index) },
    ...more[name],
  }));
}

const seenOf = (
  deployment: Partial<Deployment>,
  more: Partial<Omit<ExplainedDeployment, 'deployment'>> = {},
): ExplainedDeployment => ({
  deployment: deploymentOf(deployment),
  ...{ release: undefined, previous: undefined, serving: undefined, source: undefined, given: [] },
  ...more,
});
const told = (seen: ExplainedDeployment): string[] =>
  explainDeployment(seen).map(({ about, code, message }) => `${about} ${code}: ${message}`);

const ALL: readonly DeploymentPhase[] = ['plan', 'prepare', 'start', 'gate', 'switch', 'clean_up'];
const CAUSE =
  'cause asked_by_step: the step ship/web of shop deploys what it has made, at 4f0c3d2a1b2c of main; triggered by ada';

describe('explainDeployment', () => {
  it('tells of one that serves what led to it, and when', () => {
    const end = { status: 'success', started_at: second(4), finished_at: second(10) } as const;
    const phases = phasesOf(ALL, { gate: { said: ['release 3 answers: 2 probes'] } });
    const reason = deploymentReasons.serves({ number: 3 }, 2);
    const release = releaseOf(3);
    const previous = releaseOf(2, { status: 'draining', drain_until: second(40) });
    const seen = seenOf({ ...end, phases, reason }, { release, previous, serving: release });
    expect(told(seen)).toEqual([
      CAUSE,
      'wait begun: it began 4.0 s after it was asked for',
      'release release_made: release 3: 2 KiB, sha256:ab',
      'gate gate_passed: its gate was passed after 1.0 s: release 3 answers: 2 probes',
      'switch switched: from here on release 3 served; release 2 had before',
      'drain previous_release: release 2, which served before, has until 2026-01-31T12:00:40.000Z for what it has begun',
      'end release_serves: release 3 serves in the place of release 2',
    ]);
    expect(explainDeployment(seen).map(({ about, at }) => [about, at])).toEqual([
      ['cause', second(0)],
      ['wait', second(4)],
      ['release', second(5)],
      ['gate', second(8)],
      ['switch', second(9)],
      ['drain', null],
      ['end', second(10)],
    ]);
  });

  it('tells of one whose gate said no what that saw, and what serves as before', () => {
    const reason = { code: 'gate_failed', message: 'release 3 does not pass its gate: it ended' };
    const said = ['  no configuration', '  bye'];
    const phases = phasesOf(['plan', 'prepare', 'start', 'gate'], { gate: { said } });
    const end = { status: 'failed', started_at: second(4), finished_at: second(8) } as const;
    const release = releaseOf(3, { status: 'failed' });
    const seen = seenOf(
      { ...end, phases, reason },
      { release, previous: releaseOf(2), serving: releaseOf(2) },
    );
    expect(told(seen).slice(3)).toEqual([
      'gate gate_not_passed: its gate was not passed in 1.0 s: release 3 does not pass its gate: it ended',
      'end gate_failed: release 3 does not pass its gate: it ended',
      'end release_taken_back: release 3 never served, and nothing of it is left',
      'end serves_now: release 2 serves',
    ]);
    expect(explainDeployment(seen)[3]).toMatchObject({ data: { ms: 1_000, said } });
  });

  it.each([
    [
      'for people',
      { code: 'approval_needed', message: 'production needs 1 approval' },
      'wait approval_needed: production needs 1 approval',
    ],
    [
      'behind another one',
      deploymentReasons.behind({ _id: 'd2', kind: 'rollback' }),
      'wait behind_deployment: it waits for the rollback d2 of the same service',
    ],
  ])('tells of one that waits %s that it does', (_what, reason, line) => {
    expect(told(seenOf({ status: 'waiting', reason }))).toEqual([CAUSE, line]);
  });

  it('tells of one that nobody has taken which host has to', () => {
    const asked = { kind: 'rollback', worker_id: null } as const;
    const release = releaseOf(1, { status: 'kept' });
    expect(told(seenOf(asked, { release, serving: releaseOf(2) }))).toEqual([
      'cause asked_to_go_back: ada asked that release 1 serves again',
      'wait no_worker_yet: no worker of the host web-1 has taken it yet',
    ]);
    expect(told(seenOf({ kind: 'rollback' }))[1]).toBe(
      'wait not_begun: its worker has it, and has not begun',
    );
  });

  it('tells of a restart why Millrace has made it, and what took whose place', () => {
    const phases = phasesOf(['plan', 'start', 'gate', 'switch', 'clean_up'], {});
    const release = releaseOf(2);
    const why = { code: 'endpoints_failed', message: 'all endpoints fail' };
    const warnings = [
      deploymentReasons.failedByChecks(2, why, { number: 1, max: 3, windowMs: 1_800_000 }),
    ];
    const reason = deploymentReasons.restarted(release);
    const end = { status: 'success', started_at: second(4), finished_at: second(10) } as const;
    const asked = { kind: 'restart', triggered_by: 'system', phases, warnings, reason } as const;
    const all = told(
      seenOf({ ...end, ...asked }, { release, previous: release, serving: release }),
    );
    expect([all[0], all.at(-3), all.at(-1)]).toEqual([
      'cause checks_failed: the checks say that release 2 has failed: all endpoints fail; restart 1 of 3 within 30 min',
      'switch other_instance: from here on another instance of release 2 served',
      'end instance_restarted: another instance of release 2 serves in the place of the one that failed',
    ]);
    expect(all.join()).not.toContain('nothing had');
  });

  it('tells of a stop and a start who asked for it, and what became of the instance', () => {
    const release = releaseOf(2);
    const seen = { release, previous: release, serving: release };
    const end = { status: 'success', started_at: second(4), finished_at: second(10) } as const;
    const stop = { kind: 'stop', message: 'a new disk', service_id: 'production/shop' } as const;
    const reason = deploymentReasons.stopped({ ...stop, triggered_by: 'ada' });
    const phases = phasesOf(['plan', 'switch', 'clean_up'], {});
    expect(told(seenOf({ ...end, ...stop, phases, reason }, seen))).toEqual([
      'cause asked_to_stop: ada asked that production/shop is stopped: a new disk',
      'wait begun: it began 4.0 s after it was asked for',
      'switch route_closed: from here on who asks production/shop is told that it is stopped',
      'end service_stopped: production/shop is stopped by ada: a new disk',
    ]);
    const started = deploymentReasons.started(release);
    const begun = phasesOf(['plan', 'start', 'gate', 'switch', 'clean_up'], {});
    const start = { ...end, kind: 'start', phases: begun, reason: started } as const;
    const all = told(seenOf(start, seen));
    expect([all[0], all.at(-2), all.at(-1)]).toEqual([
      'cause asked_to_start: ada asked that production/shop is started again',
      'switch other_instance: from here on another instance of release 2 served',
      'end service_started: release 2 serves again',
    ]);
  });

  it('tells who approved, what no longer counts, and that it was let through', () => {
    const approvalOf = (kind: Approval['kind'], login: string, reason: string | null): Approval =>
      ({ kind, login, reason, at: second(2) }) as Approval;
    const given = [
      { approval: approvalOf('approval', 'grace', null), counts: false },
      { approval: approvalOf('override', 'root', 'the shop is down'), counts: true },
    ];
    expect(told(seenOf({ gate: 'open' }, { given })).slice(1, 4)).toEqual([
      'approval approved: grace approved it, which counts no more',
      'approval overridden: root passed over what was missing: the shop is down',
      'approval let_through: it has what production asks for',
    ]);
  });

  it('tells of a promotion what it copies', () => {
    const source = releaseOf(7, { service_id: 'staging/shop' });
    expect(told(seenOf({ kind: 'promote' }, { source }))[0]).toBe(
      'cause asked_to_promote: ada asked for the same release as release 7 of staging/shop',
    );
  });

  it('tells who asked without a step, and for what', () => {
    const settings = { type: 'docker_container', image: 'shop:1' } as Deployment['settings'];
    const direct = { may_be_older: false };
    expect(told(seenOf({ direct, settings, commit: null }))[0]).toBe(
      'cause asked_by_api: ada asked by the API that shop:1 is deployed as production/shop',
    );
    const artifact = { shown: 'build/pack, attempt 1' } as DirectArtifact;
    const folder = { type: 'local_directory' } as Deployment['settings'];
    const files = { direct: { ...direct, artifact }, settings: folder, commit: 'abc' };
    expect(told(seenOf(files))[0]).toContain(
      'that the artifact of build/pack, attempt 1, at abc is deployed as production/shop',
    );
  });

  it('tells of a removal, and of what Millrace has begun by itself', () => {
    const phases = phasesOf(['plan', 'switch', 'clean_up']);
    const end = { status: 'success', started_at: second(4), finished_at: second(7) } as const;
    const reason = deploymentReasons.removed('production/shop');
    const removal = seenOf(
      { ...end, kind: 'remove', phases, reason, release_id: null },
      { previous: releaseOf(3, { status: 'removed' }) },
    );
    expect(told(removal)).toEqual([
      'cause asked_to_remove: ada asked that production/shop is removed, with all that it has',
      'wait begun: it began 4.0 s after it was asked for',
      'switch withdrawn: from here on nothing of production/shop serves; release 3 had before',
      'end service_removed: production/shop is removed: nothing of it serves, and nothing of it is left',
    ]);
    const warnings = [deploymentReasons.watchFailed({ number: 3 }, 'GET / answers 500', 12)];
    expect(told(seenOf({ kind: 'rollback', triggered_by: 'system', warnings }))[0]).toBe(
      'cause watch_failed: release 3 failed 12 s after its switch: GET / answers 500',
    );
  });

  it('tells what took the place of one that had served, and what is left of that', () => {
    const end = { status: 'success', started_at: second(4), finished_at: second(10) } as const;
    const reason = deploymentReasons.serves({ number: 3 }, undefined);
    const drained = seenOf(
      { ...end, phases: phasesOf(ALL), reason },
      { release: releaseOf(3, { status: 'kept' }), serving: releaseOf(4) },
    );
    expect(told(drained)).toContain(
      'drain replaced: release 4 serves now; release 3 is kept, and a rollback brings it back',
    );
    expect(told(drained)).toContain(
      'switch switched: from here on release 3 served; nothing had before',
    );
  });

  it('tells what is being done at this moment', () => {
    const running = { status: 'running', started_at: second(4) } as const;
    const gate = phasesOf(['plan', 'prepare', 'start', 'gate'], { gate: { finished_at: null } });
    const release = releaseOf(3, { status: 'prepared' });
    expect(told(seenOf({ ...running, phases: gate }, { release })).slice(-2)).toEqual([
      'gate gate_asks: its instance runs, and is asked by its gate',
      'end in_phase: it is not over: gate is being done',
    ]);
    const at = phasesOf(ALL.slice(0, 5), { switch: { finished_at: null } });
    const by = { cancel_requested_by: 'bob' };
    expect(told(seenOf({ ...running, ...by, phases: at }, { release })).slice(-3)).toEqual([
      'switch switching: the switch to release 3 is being made',
      'end in_phase: it is not over: switch is being done',
      'end cancel_wanted: bob wants it cancelled: it ends before its switch',
    ]);
  });

  it('gives warnings and a switch that was not made as they were stored', () => {
    const warnings = [deploymentReasons.notCleanedUp('EBUSY')];
    const end = { status: 'failed', started_at: second(4), finished_at: second(10) } as const;
    const reason = deploymentReasons.workerLost();
    const phases = phasesOf(ALL.slice(0, 5));
    const seen = seenOf(
      { ...end, phases, reason, warnings },
      { release: releaseOf(3, { status: 'failed', digest: null }) },
    );
    expect(told(seen).slice(2)).toEqual([
      'release release_begun: release 3 is not whole',
      'gate gate_passed: its gate was passed after 1.0 s',
      'switch not_switched: the switch to release 3 was begun, and not made',
      expect.stringContaining('warning clean_up_failed: '),
      expect.stringContaining('end worker_lost: '),
      'end release_taken_back: release 3 never served, and nothing of it is left',
      'end serves_now: nothing of the service serves',
    ]);
  });

  it('says nothing that docs/reasons.md does not explain', () => {
    const docs = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
    const part = /## Deployments explained\n([\s\S]*?)\n## /.exec(docs)?.[1] ?? '';
    const documented = [...part.matchAll(/^\| `([a-z_]+)`/gm)].map(([, code]) => code);
    const source = readFileSync(join(__dirname, 'explained-reasons.ts'), 'utf8');
    const words = readFileSync(join(__dirname, 'deployment-explanation.ts'), 'utf8');
    const codes = [
      ...[...source.matchAll(/code: '([a-z_]+)'/g)].map(([, code]) => code),
      ...[...words.matchAll(/(?:approval|override|rejection): '([a-z_]+)'/g)].map(
        ([, code]) => code,
      ),
      ...['release_begun', 'release_made'],
    ];
    expect(documented.sort()).toEqual(codes.sort());
  });
});
