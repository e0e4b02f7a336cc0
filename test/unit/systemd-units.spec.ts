import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { configRows } from '../../src/config/config-variables.js';
import { describeWith } from '../support/needed-programs.js';

const run = promisify(execFile);
const root = resolve(__dirname, '../..');
const units = resolve(root, 'deploy/systemd');

describeWith({ 'systemd-analyze': 'systemd' }, {}, 'deploy/systemd', () => {
  let folder: string;

  beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'millrace-units-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    'millrace.service',
    'millrace-api.service',
    'millrace-worker.service',
    'millrace-services.service',
    'millrace-compose.service',
  ])('%s is a unit that systemd takes without a warning', async (name) => {
    const text = await readFile(join(units, name), 'utf8');
    // Programs and user of the installation, by those that this machine has.
    const here = text
      .replaceAll('/opt/millrace/', `${root}/`)
      .replace('/usr/bin/docker', process.execPath)
      .replace(/^User=.*/m, 'User=daemon');
    await writeFile(join(folder, name), here.replace(/^Group=.*/m, 'Group=daemon'));
    const { stdout, stderr } = await run('systemd-analyze', [
      'verify',
      '--man=no',
      join(folder, name),
    ]);
    expect(stdout + stderr).toBe('');
  });

  it('names only variables that Millrace reads', async () => {
    const known = configRows.map(([, { name }]) => name);
    expect(await readdir(units)).toHaveLength(5);
    for (const name of await readdir(units)) {
      const text = await readFile(join(units, name), 'utf8');
      for (const [, variable] of text.matchAll(/^Environment=(\w+)=/gm)) {
        expect(known).toContain(variable);
      }
    }
  });
});
