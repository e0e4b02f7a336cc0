import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { entryFile } from '../../config/paths.js';
import { DockerRuntime } from './docker-runtime.js';
import { EngineProver } from './engine-prover.js';
import type { EngineProof } from './engine-watch.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

describeWith(PROGRAMS, { root: true }, 'EngineProver', () => {
  let engine: DockerEngine;
  let folder: string;
  let socket: string;
  let prover: EngineProver;
  let name: () => Promise<string>;

  beforeAll(async () => {
    engine = await DockerEngine.start();
  });
  afterAll(() => engine.stop());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-prover-'));
    socket = join(folder, 'docker.sock');
    name = () => Promise.resolve('prover');
    prover = new EngineProver({
      ...{ host: `unix://${socket}`, installation: () => name(), stepsAreOtherUser: false },
      ...{ workspaces: join(folder, 'w'), giveTree: entryFile('workspaces/give-tree') },
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
  });
  afterEach(async () => {
    await prover.close();
    rmSync(folder, { recursive: true });
  });

  const listenAt = ({ host }: DockerEngine): void => {
    rmSync(socket, { force: true });
    symlinkSync(host.slice('unix://'.length), socket);
  };
  const fit = async (): Promise<Extract<EngineProof, { kind: 'fit' }>> => {
    const proof = await prover.prove();
    if (proof.kind !== 'fit') throw new Error(proof.reason);
    return proof;
  };

  it('begins nothing on an engine before it is known whose containers they are', async () => {
    listenAt(engine);
    await prover.close();
    const report = jest.fn();
    name = () => Promise.reject(new Error('no database'));
    prover = new EngineProver({
      ...{ host: `unix://${socket}`, installation: () => name(), stepsAreOtherUser: false },
      ...{ workspaces: join(folder, 'w'), giveTree: entryFile('workspaces/give-tree'), report },
    });
    expect(await prover.prove()).toMatchObject({
      kind: 'away',
      reason: expect.stringContaining('database') as string,
    });
    expect(report).toHaveBeenCalledTimes(1);
    name = () => Promise.resolve('prover');
    expect((await fit()).support.engine).toMatch(/^docker \d/);
  });

  it('knows an engine again that was ended and begun, and sees that it was', async () => {
    expect(await prover.prove()).toMatchObject({ kind: 'away' });
    listenAt(engine);
    const first = await fit();
    expect(first.support.engine).toMatch(/^docker \d/);
    expect(await prover.ping()).toBe(first.stamp);
    await engine.end();
    await expect(prover.ping()).rejects.toThrow('does not answer');
    expect(await prover.prove()).toMatchObject({ kind: 'away' });
    await engine.begin();
    expect(await prover.ping()).not.toBe(first.stamp);
    const again = await fit();
    expect(again.parts.runtime === first.parts.runtime).toBe(true);
    expect(again.stamp).toBe(await prover.ping());
  });

  it('takes another engine at the same place as new, whatever id it tells', async () => {
    listenAt(engine);
    const first = await fit();
    const { cleaner } = prover;
    const { runtime } = first.parts;
    await engine.end();
    const other = await DockerEngine.start();
    try {
      listenAt(other);
      const second = await fit();
      // Not `not.toBe`: it would print both.
      expect([second.parts.runtime === runtime, prover.cleaner === cleaner]).toEqual([
        false,
        false,
      ]);
    } finally {
      await other.stop();
      await engine.begin();
    }
  });

  it('forgets what an engine had when that was begun again', async () => {
    await makeStepImage(engine);
    listenAt(engine);
    const { runtime } = (await fit()).parts;
    if (!(runtime instanceof DockerRuntime)) throw new Error('it is no Docker Engine');
    const reference = `registry.example/team/${STEP_IMAGE}`;
    await (await runtime.privateImages.begin(reference)).over();
    const marks = ['images', '--format', '{{.Repository}}:{{.Tag}}', 'millrace.invalid/with-login'];
    await engine.docker('rmi', await engine.docker(...marks));
    expect(await runtime.privateImages.has(reference)).toBe(true);
    await fit();
    expect(await runtime.privateImages.has(reference)).toBe(false);
  });
});
