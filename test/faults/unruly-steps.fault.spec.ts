import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { processesWith } from '../support/processes.js';
import { itWith } from '../support/needed-programs.js';
import { expectInvariants } from './support/expect-invariants.js';

describe('a step that', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  let mark: string;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 1 });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  beforeEach(() => {
    mark = `unruly-${randomUUID()}`;
  });

  afterEach(async () => {
    await eventually(async () => (await processesWith(mark)).length === 0 || undefined, 15_000);
    await expectInvariants({ server, ledger });
  });

  it('leaves a process that holds its output open: ends, says so, and leaves none', async () => {
    const ended = await server.run(yaml(`sh -c ': ${mark}; sleep 600' & echo done`));
    expect(ended).toMatchObject({ status: 'success' });
    expect(ended.duration).toBeLessThan(10_000);
    expect(await server.logText(ended.id)).toContain('still holds its output open');
  });

  it.each([
    ['detaches with setsid', (run: string) => `setsid sh -c '${run}' > /dev/null 2>&1 &`],
    [
      'detaches with an empty environment',
      (run: string) => `env -i /usr/bin/setsid /bin/sh -c '${run}' > /dev/null 2>&1 &`,
    ],
    [
      'detaches twice, ignoring TERM',
      (run: string) =>
        `setsid sh -c 'trap "" TERM; setsid sh -c "trap \\"\\" TERM; ${run}" & wait' > /dev/null 2>&1 &`,
    ],
  ])('%s: nothing of it is left', async (_name, detach) => {
    const ended = await server.run(yaml(`${detach(`: ${mark}; sleep 600`)} sleep 0.3; echo done`));
    expect(ended).toMatchObject({ status: 'success' });
  });

  it('ignores TERM at its time limit: is killed, and told to have timed out', async () => {
    const ended = await server.run(
      `name: deaf\nsteps:\n  - { name: only, timeout: 1s, retry: { max: 0 }, run: ${command(`trap "" TERM; : ${mark}; sleep 600 & wait; sleep 600`)} }\n`,
    );
    expect(ended).toMatchObject({
      status: 'failed',
      stages: [{ steps: [{ status: 'timeout' }] }],
    });
    expect(ended.duration).toBeLessThan(20_000);
  });

  it('is killed by somebody: failed, with the signal as its reason', async () => {
    const ended = await server.run(yaml('kill -9 $$'));
    expect(ended).toMatchObject({
      status: 'failed',
      stages: [
        {
          steps: [
            {
              status: 'failed',
              reason: { code: 'signal', message: expect.stringContaining('KILL') },
            },
          ],
        },
      ],
    });
  });

  const group = memoryGroup();
  itWith(group, 'the right to make a cgroup with a memory limit: root')(
    'is killed for want of memory: failed, with the signal as its reason',
    async () => {
      const { join, limit, remove } = group ?? {
        join: () => '',
        limit: () => undefined,
        remove: () => undefined,
      };
      limit(32 * 1024 * 1024);
      try {
        const pidFile = ledger.path(mark);
        const id = await server.trigger(
          await server.createPipeline(
            yaml(
              `echo $$ > ${pidFile}; until [ -e ${pidFile}.go ]; do sleep 0.05; done; exec sh -c 'all=$(tr "\\0" x < /dev/zero)'`,
            ),
          ),
        );
        const pid = await eventually(() => {
          try {
            return Number(readFileSync(pidFile, 'utf8')) || undefined;
          } catch {
            return undefined;
          }
        });
        join(pid);
        writeFileSync(`${pidFile}.go`, '');
        expect(await server.finished(id)).toMatchObject({
          status: 'failed',
          stages: [
            { steps: [{ reason: { code: 'signal', message: expect.stringContaining('KILL') } }] },
          ],
        });
      } finally {
        remove();
      }
    },
  );

  function yaml(run: string): string {
    return `name: unruly\nsteps:\n  - { name: only, retry: { max: 0 }, run: ${command(run)} }\n`;
  }

  function command(run: string): string {
    return JSON.stringify(`${ledger.note}\n${run}`);
  }
});

interface MemoryGroup {
  join(pid: number): void;
  limit(bytes: number): void;
  remove(): void;
}

/** A control group with a memory limit, of either version; undefined where none can be made. */
function memoryGroup(): MemoryGroup | undefined {
  const name = `millrace-test-${randomUUID()}`;
  for (const [base, file] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ] as const) {
    const folder = `${base}/${name}`;
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      writeFileSync(`${folder}/${file}`, '67108864', { flag: 'r+' });
    } catch {
      rmdirSync(folder);
      continue;
    }
    return {
      join: (pid) => writeFileSync(`${folder}/cgroup.procs`, String(pid), { flag: 'r+' }),
      limit: (bytes) => writeFileSync(`${folder}/${file}`, String(bytes), { flag: 'r+' }),
      remove: () => rmdirSync(folder),
    };
  }
  return undefined;
}
