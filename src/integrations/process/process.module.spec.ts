import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { LauncherProcessRunner } from './client/launcher-process-runner.js';
import { ProcessGroups } from './process-groups.js';
import { ProcessModule } from './process.module.js';
import { StepAccount } from './step-account.js';

Logger.overrideLogger(false);

describe('ProcessModule', () => {
  it('ends what a dead worker left before it starts the launcher, and all at the end', async () => {
    const events: string[] = [];
    const module = new ProcessModule(
      standIn<LauncherProcessRunner>({
        sweepStale: async (prefix) => {
          events.push(`sweep ${prefix}`);
          return 1;
        },
        warmUp: async () => void events.push('start the launcher'),
        close: async () => void events.push('close'),
      }),
      new ProcessGroups('millrace-1-'),
    );
    await module.onModuleInit();
    await module.onApplicationShutdown();
    expect(events).toEqual(['sweep millrace-1-', 'start the launcher', 'close']);
  });
});

describe('ProcessGroups', () => {
  it('are the same for all workers of a data folder, and others for another one', () => {
    const [one, same, other] = ['/a', '/a', '/b'].map((home) => ProcessGroups.ofHome(home));
    expect(one?.prefix).toMatch(/^millrace-[0-9a-f]{8}-$/);
    expect(same?.prefix).toBe(one?.prefix);
    expect(other?.prefix).not.toBe(one?.prefix);
  });

  it('tell attempts of one execution apart, and are all found by the prefix', () => {
    const groups = new ProcessGroups('p-');
    expect([groups.ofAttempt('e', 1), groups.ofAttempt('e', 2)]).toEqual(['p-e.1', 'p-e.2']);
    expect(groups.scriptsPrefix).toBe(`p-${process.pid}-`);
  });
});

describe('StepAccount', () => {
  it.each([
    [undefined, false],
    [process.getuid?.() ?? 0, false],
    [54_321, true],
  ])('of user %s is another one than this process: %s', (uid, isOther) => {
    const user = uid === undefined ? undefined : { name: 'u', uid, gid: uid };
    expect(new StepAccount(user).isOtherUser).toBe(isOther);
  });
});
