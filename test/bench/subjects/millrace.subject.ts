import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from '../http-client.js';
import type { Repetition, Subject, Workload } from '../subject.js';

interface Execution {
  readonly id: string;
  readonly status: string;
  readonly reason: unknown;
  readonly stages: readonly { readonly steps: readonly { readonly status: string }[] }[];
}

/** How the end of a run is seen. */
export const END_SEEN_BY =
  'server-sent events, which bring every line of the log; of many runs: GET of a list every 20 ms';

/** Millrace, by its public API. */
export class MillraceSubject implements Subject {
  readonly name = 'millrace';

  private newest = '';

  constructor(private readonly http: HttpClient) {}

  async prepare(work: Workload): Promise<Repetition> {
    const pipeline = await this.createPipeline(work);
    if (work.runs === 1) return () => this.oneRun(pipeline, work);
    return () => this.manyRuns(pipeline, work);
  }

  /** The id of a new pipeline. */
  async createPipeline(work: Workload): Promise<string> {
    const answer = await this.http.json<{ id: string }>('POST', '/api/ci/pipelines', {
      yaml_content: pipelineYaml(work),
    });
    return answer.id;
  }

  async trigger(pipeline: string): Promise<string> {
    const path = `/api/ci/pipelines/${pipeline}/trigger`;
    return (await this.http.json<{ execution_id: string }>('POST', path, {})).execution_id;
  }

  /** The text of the log of the execution that was measured last. */
  async newestLog(): Promise<string> {
    const path = `/api/ci/executions/${this.newest}/logs`;
    const { status, body } = await this.http.send('GET', path, undefined, 'text/plain');
    if (status !== 200) throw new Error(`GET ${path}: ${status}`);
    return body.toString('utf8');
  }

  private async oneRun(pipeline: string, work: Workload): Promise<number> {
    const start = performance.now();
    const id = await this.trigger(pipeline);
    this.newest = id;
    await this.http.readUntil(`/api/ci/executions/${id}/events`, '\nevent: done\n');
    const took = performance.now() - start;
    await this.requireSuccess(id, work);
    return took;
  }

  private async manyRuns(pipeline: string, work: Workload): Promise<number> {
    const start = performance.now();
    const triggers = Array.from({ length: work.runs }, () => this.trigger(pipeline));
    const ids = await Promise.all(triggers);
    for (const status of ['pending', 'running']) {
      while (await this.anyIs(status, pipeline)) await sleep(20);
    }
    const took = performance.now() - start;
    // All that was accepted must have run: none lost.
    for (const id of ids) await this.requireSuccess(id, work);
    return took;
  }

  private async anyIs(status: string, pipeline: string): Promise<boolean> {
    const query = `pipeline_id=${pipeline}&status=${status}&limit=1`;
    const path = `/api/ci/executions?${query}`;
    return (await this.http.json<{ items: unknown[] }>('GET', path)).items.length > 0;
  }

  private async requireSuccess(id: string, work: Workload): Promise<void> {
    const execution = await this.http.json<Execution>('GET', `/api/ci/executions/${id}`);
    const steps = execution.stages.flatMap((stage) => stage.steps);
    const good = steps.filter(({ status }) => status === 'success');
    if (execution.status === 'success' && good.length === work.commands.length) return;
    const reason = JSON.stringify(execution.reason);
    throw new Error(
      `execution ${id}: ${execution.status} ${reason}, ${good.length} of ${work.commands.length} steps`,
    );
  }
}

/**
 * JSON is YAML. The secrets are in the URLs of git steps that are skipped: that is where masks come
 * from today.
 */
function pipelineYaml({ commands, parallel, secrets = [], image }: Workload): string {
  const steps = commands.map((run) => ({ run }));
  const stages: object[] = [{ name: 'work', ...(parallel > 1 ? { parallel } : {}), steps }];
  if (secrets.length > 0) {
    stages.push({
      name: 'never',
      when: 'false',
      steps: secrets.map((secret, index) => ({
        name: `clone-${index}`,
        step_type: 'github',
        config: { repository_url: `https://bench:${secret}@example.org/${index}.git` },
      })),
    });
  }
  const defaults = image === undefined ? {} : { image, network: 'none', pull: 'never' };
  return JSON.stringify({ name: 'bench', defaults, stages });
}
