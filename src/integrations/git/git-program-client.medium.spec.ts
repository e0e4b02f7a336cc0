import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { processesWith } from '../../../test/support/processes.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';

jest.setTimeout(20_000);

describe('GitProgramClient', () => {
  let folder: string;
  let server: GitHttpServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-git-program-'));
    await mkdir(join(folder, 'served'));
    const fixture = await GitFixture.create();
    await writeFile(join(fixture.directory, 'a'), 'a');
    await fixture.commit('a');
    await fixture.publish(join(folder, 'served'), 'repo');
    fixture.remove();
    server = await GitHttpServer.start(join(folder, 'served'));
  });

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('leaves no git behind when this process is killed in the middle of a clone', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 0 };
    const adapter = transpileEntry('src/integrations/git/git-program-client.ts');
    const url = server.url('repo');
    const request = { url, directory: join(folder, 'clone') };
    const program = `
      import { GitProgramClient } from ${JSON.stringify(adapter.path)};
      const options = { signal: new AbortController().signal, progress: () => {} };
      await new GitProgramClient({ allowPrivateUrls: ['127.0.0.0/8'] }).clone(${JSON.stringify(request)}, options);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: 'ignore',
    });
    const others = async (): Promise<number[]> =>
      (await processesWith(url)).filter((pid) => pid !== parent.pid);
    await eventually(async () => (await others()).length > 0 || undefined);
    parent.kill('SIGKILL');
    await eventually(async () => (await others()).length === 0 || undefined);
    adapter.remove();
  });
});
