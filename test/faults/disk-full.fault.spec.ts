import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { itWith } from '../support/needed-programs.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

const SIZE = '48m';
const disk = mountSmallDisk();
/** Only root may mount. */
const withDisk = itWith(disk, 'the right to mount a tmpfs: root');

describe('the disk of the data folder', () => {
  let server: MillraceServer;
  let ledger: Ledger;

  afterAll(() => {
    if (disk === undefined) return;
    spawnSync('umount', [disk]);
    rmdirSync(disk);
  });

  withDisk(
    'is full: a step that writes is told so, the rest waits and runs once there is room',
    async () => {
      ledger = await Ledger.open();
      server = await MillraceServer.start({
        ...(disk === undefined ? {} : { home: join(disk, 'data') }),
        environment: { MIN_FREE_DISK: '8MiB' },
      });
      try {
        const release = ledger.path('release');
        const filled = ledger.path('filled');
        const filling = await trigger(
          `cat /dev/zero > fill || true; echo > ${filled}; until [ -e ${release} ]; do sleep 0.1; done; exit 3`,
        );
        await eventually(() => spawnSync('test', ['-e', filled]).status === 0 || undefined);
        // It looks at its machine twice a second: what is triggered before may still be taken.
        await eventually(async () => {
          const workers = await server.call<readonly { readonly refusal: unknown }[]>(
            ...(['GET', '/api/workers'] as const),
          );
          return workers.every(({ refusal }) => refusal !== null) || undefined;
        });
        await new Jitter('disk-full').before(1_000);

        const waiting = await Promise.all([1, 2, 3].map(() => trigger('echo line')));
        await eventually(async () => {
          const body = await server.call<{ readonly reason: { readonly code: string } }>(
            'GET',
            `/api/ci/executions/${waiting[0]}/explain`,
          );
          return body.reason.code === 'workers_refuse' || undefined;
        });
        const health = await server.fetch('GET', '/api/healthchecker');
        expect(await health.text()).toContain('MIN_FREE_DISK');
        for (const id of waiting) expect((await server.execution(id)).status).toBe('pending');
        await writeFile(release, '');
        expect(await server.finished(filling)).toMatchObject({
          status: 'failed',
          stages: [{ steps: [{ exit_code: 3 }] }],
        });
        // Its log is not on this disk.
        expect(await server.logText(filling)).toContain('No space left on device');
        for (const id of waiting) {
          expect(await server.finished(id)).toMatchObject({ status: 'success', attempt: 1 });
        }
        await expectInvariants({ server, ledger });
      } finally {
        await server.stop();
        await ledger.remove();
      }
    },
  );

  async function trigger(run: string): Promise<string> {
    const command = JSON.stringify(`${ledger.note}\n${run}`);
    const yaml = `name: disk\nsteps:\n  - { name: only, retry: { max: 0 }, run: ${command} }\n`;
    return server.trigger(await server.createPipeline(yaml));
  }
});

/** A file system in memory; undefined where that is not allowed. */
function mountSmallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  const mode = ['-t', 'tmpfs', '-o', `size=${SIZE},mode=755`, 'millrace-test', folder];
  if (spawnSync('mount', mode).status === 0) return folder;
  rmdirSync(folder);
  return undefined;
}
