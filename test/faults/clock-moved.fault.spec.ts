import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { itWith } from '../support/needed-programs.js';
import { expectInvariants } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

jest.setTimeout(180_000);

const HOUR_MS = 3_600_000;
/** Debian's libfaketime (`apt-get install libfaketime`); CI installs it. */
const faketime = readdirSync('/usr/lib')
  .map((name) => join('/usr/lib', name, 'faketime/libfaketimeMT.so.1'))
  .find((path) => existsSync(path));
const withFaketime = itWith(faketime, 'libfaketime: apt-get install libfaketime');

describe('the clock is moved mid-run', () => {
  let server: MillraceServer;
  let ledger: Ledger;

  beforeEach(async () => {
    ledger = await Ledger.open();
    await moveClock('+0');
  });

  afterEach(async () => {
    await server.stop();
    await ledger.remove();
  });

  withFaketime.each([
    ['a worker, an hour forward', 'worker', '+3600'],
    ['a worker, an hour back', 'worker', '-3600'],
    ['the API, an hour forward', 'api', '+3600'],
    ['the API, an hour back', 'api', '-3600'],
  ] as const)(
    '%s: nobody is taken for lost, durations stay true, what comes later runs',
    async (name, role, offset) => {
      server = await MillraceServer.start({ workers: role === 'worker' ? 0 : 1 });
      if (role === 'worker') await server.startWorker({}, clockOfItsOwn());
      else {
        await server.api?.end();
        await server.startApi({}, clockOfItsOwn());
      }
      const pipeline = await server.createPipeline(yaml());
      const running = await server.trigger(pipeline);
      await eventually(async () => (await ledger.entries()).at(0));
      await new Jitter(name).before(1_000);
      await moveClock(offset);
      const later = await server.trigger(pipeline);
      // Two leases long: whoever trusted the clock would have taken the worker for lost by now.
      const [first, second] = [
        await server.finished(running, 60_000),
        await server.finished(later),
      ];
      for (const ended of [first, second]) {
        expect(ended).toMatchObject({ status: 'success', attempt: 1 });
        expect(ended.duration).toBeGreaterThan(0);
        expect(ended.duration).toBeLessThan(HOUR_MS / 10);
      }
      const workers = await server.call<readonly { readonly status: string }[]>(
        'GET',
        '/api/workers',
      );
      expect(workers.map(({ status }) => status)).not.toContain('lost');
      await expectInvariants({ server, ledger });
    },
  );

  withFaketime(
    'a worker an hour ahead that puts work back and dies: another takes it',
    async () => {
      server = await MillraceServer.start({ workers: 0 });
      await moveClock('+3600');
      const ahead = await server.startWorker({ MIN_FREE_DISK: '1024GiB' }, clockOfItsOwn());
      const id = await server.trigger(await server.createPipeline(yaml(0)));
      await ahead.end('SIGKILL');
      await server.startWorker();
      expect(await server.finished(id, 60_000)).toMatchObject({ status: 'success', attempt: 1 });
      await expectInvariants({ server, ledger });
    },
  );

  withFaketime('an API an hour ahead whose job is lost: it is offered again at once', async () => {
    server = await MillraceServer.start({ workers: 0 });
    const pipeline = await server.createPipeline(yaml(0));
    await server.api?.end();
    await moveClock('+3600');
    await server.startApi({ FAIL_POINT: 'execution_inserted' }, clockOfItsOwn());
    await expect(server.trigger(pipeline)).rejects.toThrow();
    await server.startApi();
    await server.startWorker();
    await eventually(async () => (await ledger.entries()).at(0), 60_000);
    const [id = ''] = (await ledger.entries()).map(({ execution }) => execution);
    expect(await server.finished(id)).toMatchObject({ status: 'success', attempt: 1 });
    await expectInvariants({ server, ledger });
  });

  function clockOfItsOwn(): Record<string, string> {
    return {
      LD_PRELOAD: faketime ?? '',
      FAKETIME_TIMESTAMP_FILE: ledger.path('clock'),
      FAKETIME_NO_CACHE: '1',
      // A clock that an operator or NTP moves is the one of the day; the monotonic one does not
      // jump.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
  }

  async function moveClock(offset: string): Promise<void> {
    await writeFile(ledger.path('clock'), `${offset}\n`);
  }

  function yaml(seconds = 31): string {
    const run = JSON.stringify(`${ledger.note}\nsleep ${seconds}`);
    return `name: clock\nsteps:\n  - { name: only, retry: { max: 0 }, run: ${run} }\n`;
  }
});
