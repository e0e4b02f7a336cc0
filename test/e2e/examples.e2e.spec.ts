import { readdirSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../src/config/paths.js';
import { CommandLine } from '../support/command-line.js';
import { removeTree } from '../support/remove-tree.js';

/** What needs more than this machine; it is planned here all the same. */
const NEEDS_MORE: ReadonlyMap<string, string> = new Map([
  ['containers.yaml', 'a container engine: containers.e2e.spec.ts'],
  ['deploy.yaml', 'a server: deployments have specs of their own'],
  ['handed-on.yaml', 'a server, with another pipeline'],
  ['repository.yaml', 'a repository'],
  ['repository-at-tag.yaml', 'a repository'],
  ['repository-by-ssh.yaml', 'a repository'],
]);

const folder = join(packageRoot(), 'examples');
const names = readdirSync(folder);

describe('examples', () => {
  let home: string;
  let millrace: CommandLine;
  let secrets: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-examples-'));
    millrace = new CommandLine(home, { GIT_CLIENT: 'git' });
    secrets = join(home, 'secrets');
    await writeFile(secrets, 'API_TOKEN=of-the-example\nCHECK_TOKEN=of-the-check\n');
  });
  afterAll(() => removeTree(home));

  it.each(names.filter((name) => !NEEDS_MORE.has(name)))('%s runs', async (name) => {
    const { code, stdout, stderr } = await millrace.run([
      ...['run', join(folder, name), '--approve', '--secrets-file', secrets],
    ]);
    expect({ code, told: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, told: '' });
  });

  it.each(names)('%s is planned', async (name) => {
    const { code, stderr } = await millrace.run(['plan', join(folder, name)]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
