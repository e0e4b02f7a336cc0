import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContainerServer } from '../support/container-server.js';
import { eventually } from '../support/eventually.js';
import { type ExecutionBody, type MillraceServer } from '../support/millrace-server.js';
import { describeWith } from '../support/needed-programs.js';
import { STEP_IMAGE } from '../support/step-image.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

/** A limit as the kernel has it: by control groups of version 2, or of version 1. */
const limit = (name: string, second: string, first: string): string =>
  `echo "${name} $(cat /sys/fs/cgroup/${second} 2>/dev/null || cat /sys/fs/cgroup/${first})"`;
const LIMITS = [
  limit('memory', 'memory.max', 'memory/memory.limit_in_bytes'),
  limit('pids', 'pids.max', 'pids/pids.max'),
  limit('cpu', 'cpu.max', 'cpu/cpu.cfs_quota_us'),
  `echo "shm $(df -k /dev/shm | awk 'NR == 2 { print $2 }')"`,
  'echo "files $(ulimit -n) $(ulimit -Hn)"',
].join('; ');

/** Where a step in a container ends: its limits, its processes, and the files it hands on. */
describeWith(PROGRAMS, { root: true }, 'the bounds of a step in a container', () => {
  let started: ContainerServer;
  let server: MillraceServer;

  beforeAll(async () => {
    started = await ContainerServer.start();
    ({ server } = started);
  });
  afterAll(() => started.stop());

  const run = (...steps: readonly string[]): Promise<ExecutionBody> => {
    const head = `name: c\ndefaults: { image: '${STEP_IMAGE}', pull: never, network: none }\n`;
    return server.run(`${head}steps:\n${steps.map((step) => `  - ${step}\n`).join('')}`);
  };
  const logOf = async (execution: ExecutionBody): Promise<string> => {
    const log = await server.logText(execution.id);
    if (execution.status !== 'success') throw new Error(`${execution.status}\n${log}`);
    return log;
  };

  it('are the limits of the kernel', async () => {
    const quoted = LIMITS.replaceAll("'", "''");
    const log = await logOf(
      await run(
        `{ memory: 64m, pids: 50, cpus: 0.5, shm_size: 8m, run: '${quoted}' }`,
        `{ run: '${quoted}' }`,
      ),
    );
    const values = (name: string): string[] =>
      [...log.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, value = '']) => value);
    expect(values('memory')[0]).toBe(String(64 * 1024 ** 2));
    expect(values('pids')).toEqual(['50', '4096']);
    expect(values('cpu')[0]).toMatch(/^50000\b/);
    expect(values('shm')).toEqual(['8192', '262144']);
    for (const files of values('files')) {
      const [soft, hard] = files.split(' ').map(Number);
      expect(soft).toBe(hard);
      expect(soft).toBeLessThanOrEqual(1_048_576);
    }
  });

  it('tells of a child that memory was too small for, whatever the step made of it', async () => {
    const execution = await run(`{ memory: 32m, run: 'tail /dev/zero || echo continued; exit 5' }`);
    expect(await server.logText(execution.id)).toContain('continued');
    expect(execution.stages[0]?.steps[0]).toMatchObject({
      reason: { code: 'out_of_memory', data: { memory: 32 * 1024 ** 2 } },
      exit_code: 5,
    });
  });

  it('has an init that takes in what programs leave', async () => {
    const look = `grep -l "^State:.Z" /proc/[0-9]*/status || echo looked`;
    const log = await logOf(await run(`'(sleep 1; ${look}) & (sleep 0.2 &); exec sleep 2'`));
    expect(log).toContain('looked');
    expect(log).not.toContain('/status');
  });

  it('is the workspace, however its files are called, and through no link', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'mr-outside-'));
    const file = join(outside, 'file');
    try {
      await writeFile(file, 'of root');
      await chmod(file, 0o600);
      const make = [
        `ln -s ${outside} folder-link`,
        `ln -s ${file} file-link`,
        'umask 077',
        `mkdir "$(printf "new\\nline")" "$(printf "no\\377text")" -- -rf`,
        'for each in *line* no* ./-rf; do echo of-root >"$each/f"; done',
        'mkfifo pipe',
        'echo x >plain',
        'ln plain second',
      ].join('; ');
      const use = (who: string): string =>
        `for each in *line* no* ./-rf; do cat "$each/f" && echo ${who} >"$each/f" || exit 1; done; test -p pipe; rm -f pipe; mkfifo pipe`;
      const log = await logOf(
        await run(
          `'${make}'`,
          `{ user: app, run: '${use('of-app')}' }`,
          `{ user: '4321', run: '${use('of-number')}' }`,
          `{ image: none, run: '${use('of-shell')}' }`,
        ),
      );
      expect(log.match(/^of-(root|app|number)$/gm)).toHaveLength(9);
      const { uid, mode } = await stat(file);
      expect([uid, mode & 0o777]).toEqual([0, 0o600]);
      expect((await stat(outside)).uid).toBe(0);
      await eventually(
        async () => (await readdir(join(server.home, 'w'))).length === 0 || undefined,
        15_000,
      );
      expect(await readdir(outside)).toEqual(['file']);
    } finally {
      await rm(outside, { recursive: true });
    }
  });
});
