import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../test/support/stand-in.js';
import type { Plan } from '../../engine/plan/plan.js';
import { LocalArtifacts, takenNames } from './local-artifacts.js';

const STEPS = ['a b', 'a_b', 'pack'];

describe('LocalArtifacts', () => {
  let base: string;
  let artifacts: LocalArtifacts;

  beforeEach(async () => {
    base = mkdtempSync(join(tmpdir(), 'mr-local-'));
    for (const name of ['work', 'scratch', 'saved']) mkdirSync(join(base, name));
    artifacts = await LocalArtifacts.make(1_000_000);
  });
  afterEach(async () => {
    await artifacts.remove();
    rmSync(base, { recursive: true });
  });

  const saved = () => join(base, 'saved');

  async function keep(step: string): Promise<void> {
    writeFileSync(join(base, 'work/f'), step);
    await artifacts.keeper.keep(
      {
        ...{ executionId: 'e', pipelineId: 'p', stage: 'build', step },
        ...{ executionAttempt: 1, attempt: 1 },
      },
      { paths: ['f'], when: 'success' },
      { root: join(base, 'work'), scratch: join(base, 'scratch') },
      new AbortController().signal,
    );
  }

  it('saves those of each try apart, also where names differ by what no folder has', async () => {
    for (const step of STEPS) await keep(step);
    const folders = (await artifacts.saveTo(saved())).map(({ folder }) => folder);
    expect(folders.map((folder) => readFileSync(join(folder, 'f'), 'utf8'))).toEqual(STEPS);
    expect(folders.slice(1)).toEqual(
      ['build.a_b.1', 'build.pack.1'].map((name) => join(saved(), name)),
    );
  });

  it('saves the others when one folder is taken, and says which', async () => {
    mkdirSync(join(saved(), 'build.a_b.1/x'), { recursive: true });
    for (const step of STEPS.slice(1)) await keep(step);
    expect(await artifacts.saveTo(saved())).toEqual([
      { folder: join(saved(), 'build.a_b.1'), problem: expect.stringContaining('in the place') },
      { folder: join(saved(), 'build.pack.1'), problem: undefined },
    ]);
  });

  it('knows before a run what will be in the way of it', async () => {
    const steps = STEPS.map((name) => ({ name, artifacts: { paths: ['f'], when: 'always' } }));
    const plan = standIn<Plan>({
      stages: [{ name: 'build', steps: [...steps, { name: 'test' }] }] as never,
    });
    expect(await takenNames(join(base, 'none'), plan)).toEqual([]);
    for (const name of ['build.pack.2', 'build.pack.x', 'build.test.1', 'other.pack.1']) {
      mkdirSync(join(saved(), name));
    }
    expect(await takenNames(saved(), plan)).toEqual(['build.pack.2']);
    writeFileSync(join(base, 'file'), '');
    await expect(takenNames(join(base, 'file'), plan)).rejects.toThrow('ENOTDIR');
  });
});
