import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../support/docker-engine.js';
import { makeStepImage, STEP_IMAGE } from '../../support/step-image.js';
import type { Rig } from '../rig.js';
import { measureInTurns, ratio, type Times } from '../rounds.js';
import { atMost, type Row } from '../row.js';
import type { Workload } from '../subject.js';
import { ShellSubject } from '../subjects/shell.subject.js';
import { MillraceSubject } from '../subjects/millrace.subject.js';

const AT_ONCE = 8;

/** A no-op step in a container, beside `docker run --rm --network none`. Needs root and Docker. */
export const container: Row = {
  id: 'container',
  measure: async (rig, rounds) => {
    const work = { commands: [':'], parallel: 1, runs: 1 };
    const times = await inContainers(rig, work, (docker) => docker, rounds * 4);
    return {
      work: 'one no-op step in a container, beside docker run',
      times,
      goals: [atMost('ratio to sh', 1.15, ratio(times, 'millrace'))],
    };
  },
};

/** As many as run side by side. */
export const containers: Row = {
  id: 'containers',
  measure: async (rig, rounds) => {
    const commands = Array.from({ length: AT_ONCE }, () => ':');
    const work = { commands, parallel: AT_ONCE, runs: 1 };
    const bare = (docker: string): string => `seq ${AT_ONCE} | xargs -P ${AT_ONCE} -I N ${docker}`;
    const times = await inContainers(rig, work, bare, rounds);
    return {
      work: `${AT_ONCE} no-op steps in containers side by side, beside xargs and docker run`,
      times,
      goals: [atMost('ratio to sh', 1.3, ratio(times, 'millrace'))],
    };
  },
};

/**
 * By an engine of its own, and a server whose worker has it.
 *
 * @param bare of `docker run`, what `sh` does
 */
async function inContainers(
  rig: Rig,
  steps: Omit<Workload, 'bare'>,
  bare: (docker: string) => string,
  rounds: number,
): Promise<Times> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-containers-'));
  const engine = await DockerEngine.start();
  try {
    await makeStepImage(engine);
    const { host } = engine;
    const name = `bench_containers_${steps.parallel}`;
    const server = await rig.startServer(name, 1, { DOCKER_HOST: host });
    try {
      const subjects = [new ShellSubject(folder), new MillraceSubject(server.http)];
      const docker = `docker --host ${host} run --rm --network none ${STEP_IMAGE} true`;
      const work = { ...steps, image: STEP_IMAGE, bare: bare(docker) };
      return await measureInTurns(subjects, work, rounds);
    } finally {
      await rig.stopServer(server);
    }
  } finally {
    await engine.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
