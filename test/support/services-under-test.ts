import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../src/common/child-process/process-stat.js';
import { livingProcess } from '../../src/embedded/system/process-identity.js';
import { SupervisedServices } from '../../src/integrations/local-services/client/supervised-services.js';
import { SupervisorProcess } from '../../src/integrations/local-services/client/supervisor-process.js';
import type { LocalServices } from '../../src/integrations/local-services/local-services.js';
import type { InstanceRecord } from '../../src/integrations/local-services/supervisor/instance-record.js';
import { eventually } from './eventually.js';
import { type TranspiledEntry, transpileEntry } from './transpile-entry.js';

/** Of each of the two files of a log. */
export const LOG_BYTES = 64 * 1024;

let entry: TranspiledEntry | undefined;

/** To be called when all tests of a file have ended. */
export function removeSupervisorCode(): void {
  entry?.remove();
  entry = undefined;
}

/** Program and arguments of a supervisor, without a build. */
function commandOf(home: string, variables: readonly string[]): readonly string[] {
  entry ??= transpileEntry('src/integrations/local-services/supervisor/run-supervisor.ts');
  const script = `import { runSupervisor } from ${JSON.stringify(entry.path)};
    const stop = new AbortController();
    process.on('SIGTERM', () => stop.abort());
    await runSupervisor({
      home: ${JSON.stringify(home)}, env: process.env, stepUsers: ['millrace-step'],
      ensureProxy: async () => undefined, say: () => undefined, signal: stop.signal, logBytes: ${LOG_BYTES},
    });`;
  return ['/usr/bin/env', ...variables, process.execPath, '--input-type=module', '-e', script];
}

/** Services of a home of their own, with the process that supervises them. */
export class SupervisorUnderTest {
  readonly process: SupervisorProcess;
  readonly services: LocalServices;

  private constructor(
    readonly home: string,
    private readonly variables: readonly string[],
  ) {
    this.process = this.another();
    this.services = new SupervisedServices(() => this.process.ensure());
  }

  /** @param variables that the supervisor has, as `NAME=value` */
  static async make(variables: readonly string[] = []): Promise<SupervisorUnderTest> {
    return new SupervisorUnderTest(await mkdtemp(join(tmpdir(), 'mr-')), variables);
  }

  /** Another process of Millrace that asks for the supervisor of the same home. */
  another(): SupervisorProcess {
    const { home } = this;
    const command = commandOf(home, this.variables);
    return new SupervisorProcess({ home, env: process.env, progress: () => undefined, command });
  }

  /** Which process the supervisor is. */
  supervisor() {
    const found = livingProcess(join(this.home, 'services/supervisor.json'));
    if (found === undefined) throw new Error('there is no supervisor');
    return found;
  }

  /** kill -9, at any moment. */
  async kill(): Promise<void> {
    const supervisor = this.supervisor();
    process.kill(supervisor.pid, 'SIGKILL');
    await eventually(() => !isAlive(supervisor) || undefined);
  }

  folder(id: string): string {
    return join(this.home, 'services/instances', id);
  }

  record(id: string): InstanceRecord {
    return JSON.parse(readFileSync(join(this.folder(id), 'record.json'), 'utf8')) as InstanceRecord;
  }

  /** Changes what is kept of an instance; without a supervisor. */
  rewrite(id: string, change: Partial<InstanceRecord>): void {
    const text = JSON.stringify({ ...this.record(id), ...change });
    writeFileSync(join(this.folder(id), 'record.json'), text);
  }

  async close(): Promise<void> {
    try {
      if (this.process.hasServices()) {
        for (const { id } of await this.services.list()) await this.services.remove(id);
      }
    } finally {
      await this.process.stop();
      await rm(this.home, { recursive: true, force: true });
    }
  }
}
