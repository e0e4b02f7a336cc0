import { FakeProcessRunner } from '../../../integrations/process/fake-process-runner.js';
import type { ProcessExit } from '../../../integrations/process/process-runner.js';
import { MISSING, OUTSIDE } from '../../../workspaces/folder-scripts.js';
import { StepUserScripts } from '../../../workspaces/step-user-scripts.js';
import { resolveInWorkspace, type WorkspacePath } from './workspace-path.js';

const WORKSPACE = '/w/1/work';

/** Calls it with a process that ends like this. */
function resolve(
  folder: string | undefined,
  exit: ProcessExit = { kind: 'exited', exitCode: 0 },
  printed = '',
): { readonly runner: FakeProcessRunner; readonly path: Promise<WorkspacePath> } {
  const runner = new FakeProcessRunner(() => ({ stdout: [printed], exit }));
  const scripts = new StepUserScripts(runner, 'spec-');
  return { runner, path: resolveInWorkspace(scripts, WORKSPACE, folder) };
}

const exited = (exitCode: number): ProcessExit => ({ kind: 'exited', exitCode });

describe('resolveInWorkspace', () => {
  it.each([undefined, '', '.'])('asks nobody where the workspace is: %j', async (folder) => {
    const { runner, path } = resolve(folder);
    expect(await path).toEqual({ kind: 'inside', path: WORKSPACE });
    expect(runner.started).toEqual([]);
  });

  it.each(['/etc', '..', '../other', 'a/../../other'])(
    'needs no look at a path that leads out by itself: %j',
    async (folder) => {
      const { runner, path } = resolve(folder);
      expect(await path).toEqual({ kind: 'outside' });
      expect(runner.started).toEqual([]);
    },
  );

  it('is where the links lead', async () => {
    const { runner, path } = resolve('a', exited(0), '/w/1/work\0/w/1/work/b\0');
    expect(await path).toEqual({ kind: 'inside', path: '/w/1/work/b' });
    expect(runner.started[0]?.args.slice(-2)).toEqual([WORKSPACE, 'a']);
  });

  it('takes the workspace for where its own links lead', async () => {
    const { path } = resolve('a', exited(0), '/data/work\0/data/work/a\0');
    expect(await path).toEqual({ kind: 'inside', path: '/data/work/a' });
  });

  it.each(['/etc', '/w/1', '/w/1/work2', '/w/1/work/../home'])(
    'is outside where the links lead to %s, whatever the name says',
    async (real) => {
      const { path } = resolve('a', exited(0), `/w/1/work\0${real}\0`);
      expect(await path).toEqual({ kind: 'outside' });
    },
  );

  it.each([
    [MISSING, 'missing'],
    [OUTSIDE, 'outside'],
  ])('hears exit code %i as %s', async (code, kind) => {
    expect(await resolve('a', exited(code)).path).toEqual({ kind });
  });

  it.each([
    ['that failed', exited(1)],
    ['that printed nothing', exited(0)],
    ['that was killed', { kind: 'signalled', signal: 'SIGKILL' }],
    ['that never ran', { kind: 'not_started', code: 'EAGAIN', message: 'no process slot' }],
  ] as const)('knows nothing by a look %s', async (_how, exit) => {
    expect(await resolve('a', exit).path).toMatchObject({ kind: 'unknown' });
  });
});
