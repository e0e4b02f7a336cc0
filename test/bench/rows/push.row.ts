import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConnectedRepository } from '../../support/connected-repository.js';
import type { HttpClient } from '../http-client.js';
import type { Rig } from '../rig.js';
import { median } from '../rounds.js';
import { atMost, type Row, shown } from '../row.js';
import { until } from '../until.js';

const run = promisify(execFile);
const GOAL_MS = 60;
/** Pushes of a round. */
const PUSHES = 10;
/** Caches, JIT, connections, the first clone of the repository. */
const UNCOUNTED = 3;
/** What the first step prints: nanoseconds since 1970, by the same clock as the bench's. */
const DEFINITION = `name: pushed
triggers: [push]
steps:
  - name: first
    run: echo "began $(date +%s%N)"
`;

interface Delivery {
  readonly status: string;
  readonly received_at: string;
  readonly decided_at: string | null;
  readonly decisions: readonly { readonly execution_id: string | null }[];
}

interface Execution {
  readonly status: string;
  readonly created_at: string;
  readonly started_at: string;
  readonly checkout: { readonly started_at: string; readonly finished_at: string } | null;
}

/** Milliseconds from the push to each of these. */
interface PushTimes {
  readonly answered: number;
  readonly decided: number;
  readonly accepted: number;
  readonly taken: number;
  readonly checkedOut: number;
  readonly began: number;
}

/**
 * A signed push of a new commit, while nothing else runs, until its first step has started; beside
 * it what nobody can do without: that commit fetched and checked out by git, and a shell.
 */
export const push: Row = {
  id: 'push',
  measure: async (rig, rounds) => {
    const pushes = await Pushes.start(rig);
    try {
      const all: PushTimes[] = [];
      const bare: number[] = [];
      for (let number = 0; number < UNCOUNTED + rounds * PUSHES; number++) {
        const times = await pushes.one(number);
        const bareTime = await pushes.bare();
        if (number < UNCOUNTED) continue;
        all.push(times);
        bare.push(bareTime);
      }
      const began = all.map((times) => times.began);
      const parts = (['answered', 'decided', 'accepted', 'taken', 'checkedOut'] as const).map(
        (part) => `${part} ${shown(median(all.map((times) => times[part])))} ms`,
      );
      return {
        work: `signed push to the first step's start, ${String(all.length)} pushes (${parts.join(', ')})`,
        times: { sh: bare, millrace: began },
        goals: [atMost('p50', GOAL_MS, median(began), ' ms')],
      };
    } finally {
      await pushes.stop();
    }
  },
};

/** Pushes to a repository that is connected. */
class Pushes {
  private constructor(
    private readonly http: HttpClient,
    private readonly repository: ConnectedRepository,
  ) {}

  static async start({ server: { http } }: Rig): Promise<Pushes> {
    const repository = await ConnectedRepository.start({ '.millrace/pushed.yml': DEFINITION });
    await http.json('POST', '/api/repositories', repository.connection);
    return new Pushes(http, repository);
  }

  /** Returns when its run is over. */
  async one(number: number): Promise<PushTimes> {
    const { http, repository } = this;
    const { work, forge } = repository;
    const before = await work.git('rev-parse', 'HEAD');
    const after = await work.commit(`change ${String(number)}`);
    await repository.push('main');
    const payload = forge.push('main', before, after);

    const start = Date.now();
    const response = await forge.deliver('push', payload);
    const answered = Date.now();
    if (response.status !== 202) throw new Error(`the push was answered ${response.status}`);
    const { delivery_id: id } = (await response.json()) as { delivery_id: string };
    const delivery = await until<Delivery>(
      http,
      `/api/ci/deliveries/${id}`,
      ({ status }) => status === 'done',
    );
    const run = delivery.decisions[0]?.execution_id ?? '';
    const execution = await until<Execution>(
      http,
      `/api/ci/executions/${run}`,
      ({ status }) => !['pending', 'running'].includes(status),
    );
    if (execution.status !== 'success') throw new Error(`execution ${run}: ${execution.status}`);
    const log = await http.send('GET', `/api/ci/executions/${run}/logs`, undefined, 'text/plain');
    const nanoseconds = /began (\d+)/.exec(log.body.toString())?.[1];
    const since = (time: string | null | undefined): number => Date.parse(time ?? '') - start;
    return {
      answered: answered - start,
      decided: since(delivery.decided_at),
      accepted: since(execution.created_at),
      taken: since(execution.started_at),
      checkedOut: since(execution.checkout?.finished_at),
      began: Number(nanoseconds) / 1e6 - start,
    };
  }

  /** Of the newest commit: `git fetch`, `git checkout`, `sh`. */
  async bare(): Promise<number> {
    const { work, cloneUrl } = this.repository;
    const commit = await work.git('rev-parse', 'HEAD');
    const tree = await mkdtemp(join(tmpdir(), 'millrace-bare-'));
    try {
      const mirror = join(tree, 'git');
      const git = (...args: string[]): Promise<unknown> =>
        run('git', ['--git-dir', mirror, ...args]);
      await run('git', ['init', '-q', '--bare', mirror]);
      const start = performance.now();
      await git('fetch', '-q', '--no-tags', '--depth', '1', cloneUrl, commit);
      await git('--work-tree', tree, 'checkout', '-q', '-f', commit);
      await run('sh', ['-c', 'echo "began $(date +%s%N)"']);
      return performance.now() - start;
    } finally {
      await rm(tree, { recursive: true, force: true });
    }
  }

  async stop(): Promise<void> {
    await this.repository.stop();
  }
}
