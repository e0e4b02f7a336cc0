import type Docker from 'dockerode';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.js';
import { standIn } from '../../../test/support/stand-in.js';
import { DockerContainer } from './docker-container.js';

const never = new Promise<never>(() => undefined);
const away = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

function frame(words: string): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(words), 4);
  return Buffer.concat([header, Buffer.from(words)]);
}

describe('DockerContainer', () => {
  let output: PassThrough;
  let end: () => void;
  let isRunning: boolean;
  let signals: string[];
  let lost: string[];
  let isRemoved: boolean;
  let exitCode: number;
  let ping: () => Promise<string>;
  let engine: Partial<Record<'exec' | 'kill' | 'inspect', () => Promise<unknown>>>;

  beforeEach(() => {
    output = new PassThrough();
    isRunning = true;
    [signals, lost] = [[], []];
    isRemoved = false;
    exitCode = 5;
    ping = async () => 'engine';
    engine = {};
  });

  const begin = (): DockerContainer => {
    const ended = new Promise<void>((resolve) => {
      end = () => {
        isRunning = false;
        resolve();
      };
    });
    const state = () => ({ State: { Running: isRunning, ExitCode: exitCode, OOMKilled: false } });
    const fake = {
      exec: () => engine.exec?.() ?? never,
      kill: async ({ signal }: { signal: string }) => {
        await engine.kill?.();
        signals.push(signal);
        end();
      },
      inspect: async () => {
        const found = state();
        await engine.inspect?.();
        return found;
      },
      attach: async () => {
        const closed = new PassThrough();
        closed.end();
        closed.resume();
        return closed;
      },
      wait: () => ended,
    };
    const container = new DockerContainer(
      standIn<Docker.Container>(fake as unknown as Docker.Container),
      undefined,
      output,
      ended,
      () => (isRemoved = true),
      () => ping(),
      { askAgainMs: 30, drainMs: 200 },
    );
    container.onLost((why) => lost.push(why));
    return container;
  };

  it('is killed after the grace also by an engine that does not answer to TERM', async () => {
    const container = begin();
    output.end();
    await container.kill(20);
    expect(signals).toEqual(['SIGKILL']);
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 5 });
  });

  it('is killed once its engine is back, when that was away at the end of the grace', async () => {
    let isAway = true;
    engine.exec = async () => {
      throw away();
    };
    engine.kill = async () => {
      if (isAway) throw away();
    };
    const container = begin();
    await container.kill(20);
    expect(signals).toEqual([]);
    isAway = false;
    output.end();
    expect(await container.exit).toMatchObject({ kind: 'exited' });
    expect(signals).toEqual(['SIGKILL']);
  });

  it('tells how it ended at once, and loses nothing of what is read late', async () => {
    const container = begin();
    const words = 'x'.repeat(200 * 1024);
    for (let written = 0; written < 10; written += 1) output.write(frame(words));
    output.end();
    end();
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 5 });
    // The log takes nothing for longer than the engine has to send the rest.
    await delay(400);
    expect(isRemoved).toBe(false);
    expect((await text(container.stdout)).length).toBe(10 * words.length);
    expect(lost).toEqual([]);
    await eventually(() => isRemoved || undefined);
  });

  it('says that something may be lost when the engine does not end the output', async () => {
    const container = begin();
    output.write(frame('begin'));
    end();
    expect(await text(container.stdout)).toBe('begin');
    expect(lost).toEqual(['cut']);
    expect(output.destroyed).toBe(true);
    expect(isRemoved).toBe(true);
  });

  const ended = async (code: number, after: () => Promise<string>): Promise<string> => {
    exitCode = code;
    ping = async () => 'engine';
    const container = begin();
    ping = after;
    output.end();
    end();
    const exit = await container.exit;
    return exit.kind === 'exited' ? `exit ${exit.exitCode}` : exit.kind;
  };
  const listensNoMore = async (): Promise<string> => {
    throw away();
  };

  it('is lost with an engine that listens no more, whatever its program made of that', async () => {
    expect(await ended(143, listensNoMore)).toBe('lost');
    expect(await ended(1, listensNoMore)).toBe('lost');
    expect(await ended(0, listensNoMore)).toBe('exit 0');
  });

  it('is lost by a signal where its engine was started again, and by no other end', async () => {
    expect(await ended(137, async () => 'engine, again')).toBe('lost');
    expect(await ended(1, async () => 'engine, again')).toBe('exit 1');
    expect(await ended(143, async () => 'engine')).toBe('exit 143');
  });

  it('is not lost with an engine that is gone when it was told to end', async () => {
    exitCode = 143;
    const container = begin();
    ping = listensNoMore;
    output.end();
    await container.kill(20);
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 143 });
  });

  it('is not lost when what it is asked overtakes the answer that it has ended', async () => {
    const container = begin();
    engine.inspect = async () => {
      setTimeout(end, 5);
    };
    output.end();
    isRunning = false;
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 5 });
    expect(lost).toEqual([]);
  });
});
