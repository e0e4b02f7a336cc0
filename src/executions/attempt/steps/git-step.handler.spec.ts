import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../../test/support/stand-in.js';
import { MaskSet } from '../../../common/redaction/mask-set.js';
import type { GitAction } from '../../../engine/steps/git/git-action.js';
import {
  type CloneRequest,
  type Cloned,
  GitClient,
  GitError,
} from '../../../integrations/git/git-client.js';
import {
  FolderError,
  type Misplaced,
  type WorkspaceStore,
} from '../../../workspaces/workspace-store.js';
import { CloneAccess } from './clone-access.js';
import { GitStepHandler } from './git-step.handler.js';

const COMMIT = { sha: 's', message: 'm', author: 'a' };

class FakeGit extends GitClient {
  readonly name = 'git';
  readonly requests: CloneRequest[] = [];
  answer: () => Promise<Cloned> = async () => ({ ...COMMIT, branch: 'main' });

  clone(request: CloneRequest, { progress }: { progress: (line: string) => void }) {
    this.requests.push(request);
    progress('fetching');
    return this.answer();
  }

  async changedPaths(): Promise<readonly string[]> {
    return [];
  }

  async heads(): Promise<ReadonlyMap<string, string>> {
    return new Map();
  }

  async close(): Promise<void> {
    // Nothing to end.
  }
}

describe('GitStepHandler', () => {
  let staged: string;
  let git: FakeGit;
  let target: 'free' | Misplaced | Error;
  let placed: 'placed' | Misplaced;
  let asked: (readonly string[])[];
  let lines: string[];
  let masks: MaskSet;
  let abort: AbortController;

  beforeEach(() => {
    staged = mkdtempSync(join(tmpdir(), 'mr-staged-'));
    git = new FakeGit();
    target = 'free';
    placed = 'placed';
    asked = [];
    lines = [];
    masks = MaskSet.from([]);
    abort = new AbortController();
  });
  afterEach(() => rmSync(staged, { recursive: true, force: true }));

  function run(directory?: string, url = 'https://h/r', token?: string) {
    const access = new CloneAccess({ A_KEY: 'p@ss-word' });
    const workspace = { root: '', directory: '/w', home: '', temporary: '', owner: undefined };
    const store = standIn<WorkspaceStore>({
      checkTarget: async (_workspace, names) => {
        asked.push(names);
        if (target instanceof Error) throw target;
        return target;
      },
      stage: async () => staged,
      place: async (_workspace, _folder, names) => {
        asked.push(names);
        return placed;
      },
    });
    const output = {
      open: () => ({ write: (): true => true, end: () => undefined }),
      systemLine: (_address: unknown, text: string) => lines.push(text),
    };
    const action: GitAction = {
      kind: 'git',
      repository: { url, depth: 2, ...(token !== undefined && { credentials: { token } }) },
      directory,
    };
    return new GitStepHandler(git, workspace, output, store, masks, access).run(
      { address: { stage: 's', step: 'x', attempt: 1 }, action, environment: {}, outputs: [] },
      abort.signal,
    );
  }

  it('clones beside the workspace, moves the clone in, and tells commit and branch', async () => {
    expect(await run('a//./b')).toEqual({ kind: 'success', commit: COMMIT, branch: 'main' });
    expect(git.requests).toEqual([{ url: 'https://h/r', depth: 2, directory: staged }]);
    expect(asked).toEqual([['a', 'b'], ['a', 'b']]); // prettier-ignore
    expect(lines).toEqual(['fetching']);
    expect(existsSync(staged)).toBe(false);
  });

  it('hides the credentials of the URL, in every form, before it clones', async () => {
    let hidden = '';
    git.answer = async () => {
      hidden = masks.maskText('p%40ss-word p@ss-word');
      return { ...COMMIT, branch: 'main' };
    };
    await run(undefined, 'https://u:p%40ss-word@h/r');
    expect(hidden).toBe('*** ***');
  });

  it('clones with the secrets that it names, and hides them', async () => {
    await run(undefined, 'https://h/r', 'A_KEY');
    expect(git.requests).toEqual([
      { url: 'https://x-access-token:p%40ss-word@h/r', depth: 2, directory: staged },
    ]);
    expect(masks.maskText('p%40ss-word p@ss-word')).toBe('*** ***');
  });

  it('clones into the workspace itself', async () => {
    expect(await run()).toMatchObject({ kind: 'success' });
    expect(asked).toEqual([[], []]);
  });

  it.each(['/etc', '..', 'a/../b'])('does not follow %s, nor ask anybody', async (directory) => {
    expect(await run(directory)).toMatchObject({ reason: { code: 'git_directory_outside' } });
    expect([asked, git.requests]).toEqual([[], []]);
  });

  it.each([
    ['outside', 'git_directory_outside'],
    ['taken', 'git_invalid_request'],
  ] as const)('clones nothing for a target that is %s, before or after', async (where, code) => {
    placed = where;
    expect(await run('a')).toMatchObject({ kind: 'failed', reason: { code } });
    expect(existsSync(staged)).toBe(false);
    target = where;
    git.requests.length = 0;
    expect(await run('a')).toMatchObject({ kind: 'failed', reason: { code } });
    expect(git.requests).toEqual([]);
  });

  it('is no fault of the pipeline when nobody can look at the folder', async () => {
    target = new FolderError('it did not end within 30000 ms');
    expect(await run()).toMatchObject({
      kind: 'infrastructure',
      reason: { code: 'workspace_unusable' },
    });
  });

  it.each([
    [new GitError('ref_not_found', 'no branch x', false), 'failed', 'git_ref_not_found'],
    [new GitError('unreachable', 'no answer', true), 'infrastructure', 'git_unreachable'],
    // Of itself, not of the signal.
    [new GitError('aborted', 'aborted', false), 'failed', 'git_aborted'],
  ])('tells %s', async (error, kind, code) => {
    git.answer = () => Promise.reject(error);
    expect(await run()).toMatchObject({ kind, reason: { code } });
    expect(existsSync(staged)).toBe(false);
  });

  it('is aborted when it was stopped', async () => {
    git.answer = async () => {
      abort.abort();
      throw new GitError('aborted', 'aborted', false);
    };
    expect(await run()).toEqual({ kind: 'aborted' });
  });

  it('lets a defect of ours through', async () => {
    git.answer = () => Promise.reject(new TypeError('undefined is not a function'));
    await expect(run()).rejects.toThrow(TypeError);
  });
});
