import type { CommandEnd } from '../../common/values/command-end.js';
import { commandResult, containerResult } from './instance-check.js';
import type { ContainerFacts, InstanceState } from './release-instances.js';

const mask = (text: string): Promise<string> =>
  Promise.resolve(text.replaceAll('hunter-22', '***'));

describe('a check by a command', () => {
  const result = (end: CommandEnd | undefined) => commandResult(end, { timeoutMs: 1500 }, mask);

  it('passes with exit code 0, whatever it said', async () => {
    expect(await result({ kind: 'exited', code: 0, said: 'error' })).toEqual({ ok: true });
  });

  it.each([
    [{ kind: 'exited', code: 3, said: '' }, 'command_failed', 'it ended with exit code 3'],
    [
      { kind: 'exited', code: 3, said: 'one\ntwo hunter-22\n\n' },
      ...['command_failed', 'it ended with exit code 3: two ***'],
    ],
    [
      { kind: 'signalled', signal: 'SIGSEGV', said: '' },
      ...['command_failed', 'it was ended by SIGSEGV'],
    ],
    [
      { kind: 'late', isEnded: true, said: 'waiting' },
      ...['command_late', 'it did not end within 1.5 s, killed: waiting'],
    ],
    [
      { kind: 'late', isEnded: false, said: '' },
      'command_late',
      'it did not end within 1.5 s, which could not be killed; none other is begun',
    ],
    [
      { kind: 'not_started', message: 'no such program' },
      ...['command_failed', 'it could not be started: no such program'],
    ],
    [undefined, 'instance_gone', 'the instance that serves does not run'],
  ] as const)('fails where it ended as %j', async (end, code, message) => {
    expect(await result(end as CommandEnd | undefined)).toEqual({ ok: false, code, message });
  });

  it('shows one line of bounded length', async () => {
    const { message } = (await result({ kind: 'exited', code: 1, said: 'x'.repeat(4096) })) as {
      message: string;
    };
    expect(message.length).toBeLessThan(400);
  });
});

describe('a check of a container', () => {
  const state = (container: ContainerFacts | undefined, more: Partial<InstanceState> = {}) =>
    containerResult(
      {
        ...{ state: 'running', end: 'its container ended with exit code 0', exitCode: null },
        ...{
          restarts: 0,
          startedAt: new Date(0),
          pid: 7,
          ...(container && { container }),
          ...more,
        },
      },
      mask,
    );
  const health = (status: string, output = '') =>
    state({ said: 'running', health: { status, output } });

  it('passes where it runs and its HEALTHCHECK does not say unhealthy', async () => {
    expect(await state({ said: 'running' })).toEqual({ ok: true });
    expect(await health('healthy')).toEqual({ ok: true });
    expect(await health('starting')).toEqual({ ok: true });
  });

  it('fails where its HEALTHCHECK says unhealthy, with its last line', async () => {
    expect(await health('unhealthy', 'GET /\nrefused hunter-22\n')).toEqual({
      ...{ ok: false, code: 'container_unhealthy' },
      message: 'its HEALTHCHECK says that it is unhealthy: refused ***',
    });
    expect(await health('unhealthy')).toMatchObject({
      message: 'its HEALTHCHECK says that it is unhealthy',
    });
  });

  it('shows nothing of the line in which the engine has cut what it said', async () => {
    const cut = (text: string) => health('unhealthy', `${text.slice(0, 4096)}...`);
    const message = 'its HEALTHCHECK says that it is unhealthy';
    const filled = 'x'.repeat(4080);
    expect(await cut(`refused\n${filled}\nhunter-22`)).toMatchObject({
      message: expect.stringMatching(/: x+/) as unknown,
    });
    expect(await cut(`${filled}\nrefused\nhunter-22`)).toMatchObject({
      message: `${message}: refused`,
    });
    expect(await cut(`${filled} my hunter-22 is it`)).toMatchObject({ message });
  });

  it.each(['restarting', 'paused'])('fails where the engine says %s', async (said) => {
    expect(await state({ said })).toEqual({
      ...{ ok: false, code: 'container_not_running' },
      message: `the engine says that it is ${said}`,
    });
  });

  it.each([
    ['its container ended with exit code 3', 'exited'],
    ['its container used up its memory', 'exited'],
  ])('fails where %s', async (end, said) => {
    expect(await state({ said }, { state: 'ended', end, pid: null })).toEqual({
      ...{ ok: false, code: 'container_not_running' },
      message: `${end} (the engine says: ${said})`,
    });
  });

  it('fails where there is none, and is not known of what is no container', async () => {
    expect(await containerResult(undefined, mask)).toMatchObject({
      ok: false,
      code: 'instance_gone',
    });
    expect(await state(undefined)).toMatchObject({ ok: null, code: 'not_askable' });
  });
});
