import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RouteDisarmedError, type Upstream } from './reverse-proxy.js';
import { UpstreamFiles } from './upstream-files.js';

const at = (port: number): Upstream => ({ host: '127.0.0.1', port });

/** Another process does something right before this one looks at what is there. */
class OvertakenFiles extends UpstreamFiles {
  before: (() => Promise<unknown>) | undefined;

  override async textOf(id: string): Promise<string | undefined> {
    const { before } = this;
    this.before = undefined;
    await before?.();
    return super.textOf(id);
  }
}

describe('the files of upstreams', () => {
  let folder: string;
  let files: OvertakenFiles;
  /** Those of another process. */
  let others: UpstreamFiles;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'millrace-upstreams-'));
    [files, others] = [new OvertakenFiles(folder), new UpstreamFiles(folder)];
    await writeFile(join(folder, 'web'), '127.0.0.1:1');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const text = () => others.textOf('web');
  const switchTo = async (port: number, token: string) => {
    await others.arm('web', at(port), token);
    await others.switchTo('web', token);
  };

  it('are corrected where nobody switches', async () => {
    expect(await files.correct('web', '127.0.0.1:1', '127.0.0.1:2')).toBe('done');
    expect(await text()).toBe('127.0.0.1:2');
    expect(await readdir(folder)).toEqual(['web']);
  });

  it('are not corrected over a switch that was made since they were read', async () => {
    await switchTo(2, 'a.1');
    expect(await files.correct('web', '127.0.0.1:1', '127.0.0.1:3')).toBe('changed');
    expect(await text()).toBe('127.0.0.1:2');
    expect(await readdir(folder)).toEqual(['web']);
  });

  it('are not corrected over a switch that is made in the middle of it', async () => {
    files.before = () => switchTo(2, 'a.1');
    expect(await files.correct('web', '127.0.0.1:1', '127.0.0.1:3')).toBe('changed');
    expect(await text()).toBe('127.0.0.1:2');
  });

  it('are not corrected by who has looked at them and slept through a switch', async () => {
    // The text that it had looked at is there again.
    files.before = async () => {
      await switchTo(2, 'a.1');
      await switchTo(1, 'a.2');
    };
    expect(await files.correct('web', '127.0.0.1:1', '127.0.0.1:3')).toBe('changed');
    expect(await text()).toBe('127.0.0.1:1');
  });

  it('are not corrected by who has slept since another began to', async () => {
    files.before = () => others.endCorrections();
    expect(await files.correct('web', '127.0.0.1:1', '127.0.0.1:3')).toBe('changed');
    expect(await text()).toBe('127.0.0.1:1');
  });

  it('are left as they are while a switch is armed, a missing one is not', async () => {
    await others.arm('web', at(2), 'a.1');
    expect(await files.correct('web', '127.0.0.1:1', '127.0.0.1:3')).toBe('armed');
    expect(await text()).toBe('127.0.0.1:1');
    await rm(join(folder, 'web'));
    expect(await files.correct('web', undefined, '127.0.0.1:3')).toBe('done');
    expect(await text()).toBe('127.0.0.1:3');
    await others.switchTo('web', 'a.1');
    expect(await text()).toBe('127.0.0.1:2');
  });

  it('that were missing are not written over a first switch', async () => {
    expect(await files.correct('web', undefined, '127.0.0.1:3')).toBe('changed');
    expect(await text()).toBe('127.0.0.1:1');
  });

  it('are ready for one token: of whatever was ready before, nothing is left', async () => {
    await others.arm('web', at(2), 'a.1');
    await others.arm('shop', at(2), 'a.1');
    await files.arm('web', at(3), 'a.2');
    await expect(others.switchTo('web', 'a.1')).rejects.toThrow(RouteDisarmedError);
    expect((await readdir(folder)).sort()).toEqual(['.armed~shop~a.1', '.armed~web~a.2', 'web']);
  });

  it('are the same where they were armed twice under one token', async () => {
    await files.arm('web', at(2), 'a.1');
    await files.arm('web', at(2), 'a.1');
    await files.switchTo('web', 'a.1');
    expect(await text()).toBe('127.0.0.1:2');
    expect(await readdir(folder)).toEqual(['web']);
  });
});
