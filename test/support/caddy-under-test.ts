import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCache } from '../../src/config/paths.js';
import { CaddyProcess } from '../../src/embedded/caddy/caddy-process.js';
import { removeTree } from './remove-tree.js';

/** For hooks: where Caddy is not in the cache yet it is built, which takes minutes. */
export const CADDY_BUILD_MS = 1_200_000;

/** A real Caddy on a home of its own. */
export class CaddyUnderTest {
  private constructor(
    readonly home: string,
    readonly caddy: CaddyProcess,
  ) {}

  /** Nothing runs yet: `caddy.ensure()` starts it. */
  static async make(): Promise<CaddyUnderTest> {
    const home = await mkdtemp(join(tmpdir(), 'millrace-caddy-'));
    return new CaddyUnderTest(home, CaddyUnderTest.processOf(home));
  }

  /** As another process of Millrace has it. `path`: its `PATH`. */
  another(path = process.env['PATH']): CaddyProcess {
    return CaddyUnderTest.processOf(this.home, path);
  }

  async close(): Promise<void> {
    await this.caddy.stop();
    await removeTree(this.home);
  }

  private static processOf(home: string, path = process.env['PATH']): CaddyProcess {
    const progress = (line: string): void => void process.stderr.write(`tests: ${line}\n`);
    const env = { ...process.env, PATH: path };
    return new CaddyProcess({ home, cache: defaultCache(), env, progress });
  }
}

/** Builds Caddy where it is not built yet, so that no limit of a deployment counts that. */
export async function buildCaddy(): Promise<void> {
  const under = await CaddyUnderTest.make();
  try {
    await under.caddy.ensure();
  } finally {
    await under.close();
  }
}
