import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const LANES = 20;
/** Around which Node, and others, close connections that are idle: 5 s. */
const IDLE_MS = 5_000;
const JITTER_MS = 100;

/**
 * POSTs, which nobody may send twice, on connections that were idle for as long as servers keep
 * them: where a proxy kept them longer than the application does, some would get no answer.
 */
export class IdlePosts {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: LANES });
  private readonly stopped = new AbortController();
  private readonly lanes: readonly Promise<void>[];
  private readonly problems: string[] = [];
  private sent = 0;

  constructor(private readonly url: string) {
    this.lanes = Array.from({ length: LANES }, (_, lane) => this.lane(lane));
  }

  async stop(): Promise<{ readonly sent: number; readonly problems: readonly string[] }> {
    this.stopped.abort();
    await Promise.all(this.lanes);
    this.agent.destroy();
    return { sent: this.sent, problems: this.problems };
  }

  private async lane(lane: number): Promise<void> {
    const { signal } = this.stopped;
    // Each a little before or behind the limit, at a moment of its own.
    const every = IDLE_MS + ((lane / (LANES - 1)) * 2 - 1) * JITTER_MS;
    for (let wait = (lane * IDLE_MS) / LANES; !signal.aborted; wait = every) {
      await delay(wait, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      this.sent += 1;
      await this.post(`lane ${lane}`).catch((error: unknown) => {
        this.problems.push(String(error));
      });
    }
  }

  private post(body: string): Promise<void> {
    const headers = { 'content-type': 'text/plain', 'content-length': String(body.length) };
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.agent, headers, timeout: 20_000 };
      const sent = request(this.url, options, (answer) => {
        answer.resume();
        answer.once('error', reject);
        answer.once('end', () =>
          answer.statusCode === 200 ? resolve() : reject(new Error(`status ${answer.statusCode}`)),
        );
      });
      sent.once('timeout', () => sent.destroy(new Error('no answer in 20 s')));
      sent.once('error', reject);
      sent.end(body);
    });
  }
}
