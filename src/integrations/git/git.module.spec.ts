import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigModule } from '../../config/config.module.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { GitClient } from './git-client.js';
import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';
import { GitModule } from './git.module.js';

describe('GitModule', () => {
  let base: string;
  let mayShareFiles: boolean;
  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mr-git-module-'));
    mayShareFiles = false;
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(base, { recursive: true, force: true });
  });

  async function start(changes: Partial<MillraceConfig>) {
    const config = {
      ...{ home: join(base, 'home'), gitClient: 'auto', allowPrivateUrls: [] },
      ...{ gitMirrorSize: 1_000, gitMirrorDays: 1 },
      ...changes,
    } as unknown as MillraceConfig;
    const git = GitModule.forRootAsync({
      useFactory: () => ({ mayShareFiles: () => mayShareFiles }),
    });
    class Root {}
    return NestFactory.createApplicationContext(
      { module: Root, imports: [ConfigModule.forRoot(config), git] },
      { logger: false, abortOnError: false },
    );
  }

  it('makes the client, sweeps the mirrors while the worker lives, and ends both', async () => {
    const evict = jest.spyOn(GitMirrorStore.prototype, 'evict').mockResolvedValue(undefined);
    const clear = jest.spyOn(globalThis, 'clearInterval');
    const app = await start({});
    const client = app.get(GitClient);
    const close = jest.spyOn(client, 'close');
    expect(evict).toHaveBeenCalledTimes(1);
    expect(existsSync(join(base, 'home'))).toBe(true);
    expect(clear).not.toHaveBeenCalled();
    await app.close();
    expect(close).toHaveBeenCalledTimes(1);
    expect(clear).toHaveBeenCalled();
  });

  it('sweeps nothing where there are no mirrors', async () => {
    const evict = jest.spyOn(GitMirrorStore.prototype, 'evict').mockResolvedValue(undefined);
    await (await start({ gitMirrorSize: 0 })).close();
    expect(evict).not.toHaveBeenCalled();
  });

  it('shares files with a mirror for as long as that is safe', async () => {
    const evict = jest.spyOn(GitMirrorStore.prototype, 'evict').mockResolvedValue(undefined);
    mayShareFiles = true;
    const app = await start({});
    const { settings } = evict.mock.contexts[0] as unknown as {
      readonly settings: GitMirrorSettings;
    };
    expect(settings.share).toBe('hard-link');
    // A container engine was found: root of a container writes to any file.
    mayShareFiles = false;
    expect(settings.share).toBe('copy');
    await app.close();
  });

  it('fails the start, before anything is started, for a file of CAs that is of no use', async () => {
    await expect(start({ gitCaFile: join(base, 'missing.pem') })).rejects.toThrow('GIT_CA_FILE');
  });
});
