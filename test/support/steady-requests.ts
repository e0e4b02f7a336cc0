import { Agent, request } from 'node:http';

export interface RequestsSent {
  readonly count: number;
  /** How many the rate asked for in the time that it ran. */
  readonly due: number;
  /** What went wrong, or which other answer came, with how often. */
  readonly failed: ReadonlyMap<string, number>;
}

/**
 * GETs at a steady rate, half of them by connections that stay open, half by one of their own.
 * Those that are late, because this process was held up, are sent at once.
 */
export class SteadyRequests {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 20 });
  private readonly failed = new Map<string, number>();
  private readonly open = new Set<Promise<void>>();
  private readonly began = performance.now();
  private readonly timer: NodeJS.Timeout;
  private count = 0;

  /** @param isGood of a body that came with 200 */
  constructor(
    private readonly url: string,
    private readonly perSecond: number,
    private readonly isGood: (body: string) => boolean,
  ) {
    this.timer = setInterval(() => this.sendDue(), 1_000 / perSecond);
  }

  /** Resolves when all that were sent have ended. */
  async stop(): Promise<RequestsSent> {
    clearInterval(this.timer);
    const due = this.due();
    await Promise.all(this.open);
    this.agent.destroy();
    return { count: this.count, due, failed: this.failed };
  }

  private due(): number {
    return Math.floor(((performance.now() - this.began) / 1_000) * this.perSecond);
  }

  private sendDue(): void {
    for (const due = this.due(); this.count < due;) this.send();
  }

  private send(): void {
    this.count += 1;
    const agent = this.count % 2 === 0 ? this.agent : false;
    const one = this.ask(agent)
      .then((body) => (this.isGood(body) ? undefined : `answered ${body.slice(0, 80)}`))
      .catch((error: unknown) => String(error))
      .then((problem) => {
        if (problem !== undefined) this.failed.set(problem, (this.failed.get(problem) ?? 0) + 1);
      })
      .finally(() => this.open.delete(one));
    this.open.add(one);
  }

  private ask(agent: Agent | false): Promise<string> {
    return new Promise((resolve, reject) => {
      const sent = request(this.url, { agent, timeout: 20_000 }, (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (body += chunk));
        answer.once('error', reject);
        answer.once('end', () =>
          answer.statusCode === 200
            ? resolve(body)
            : reject(new Error(`status ${answer.statusCode}`)),
        );
      });
      sent.once('timeout', () => sent.destroy(new Error('no answer in 20 s')));
      sent.once('error', reject);
      sent.end();
    });
  }
}
