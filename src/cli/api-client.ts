import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from './command.error.js';

interface ErrorBody {
  readonly message?: string;
  readonly suggestions?: readonly string[];
}

interface HealthBody {
  readonly checks?: Readonly<Record<string, { readonly status: string; readonly message: string }>>;
}

/** Talks to a Millrace server. */
export class ApiClient {
  constructor(
    readonly baseUrl: string,
    private readonly token: string | undefined,
  ) {}

  /** @throws CommandError with the server's own message and suggestion */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: {
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.ok) return (await response.json()) as T;
    const error = (await response.json()) as ErrorBody;
    throw new CommandError([error.message, ...(error.suggestions ?? [])].join(' '));
  }

  /** Waits until the server can serve. @throws CommandError after `deadlineMs` */
  async waitUntilReady(deadlineMs: number, signal: AbortSignal): Promise<void> {
    const giveUpAt = performance.now() + deadlineMs;
    while (!signal.aborted) {
      const problem = await this.whyNotReady();
      if (problem === undefined) return;
      if (performance.now() > giveUpAt) {
        throw new CommandError(`The API was not ready within ${deadlineMs / 1000} s: ${problem}`);
      }
      await sleep(50);
    }
  }

  private async whyNotReady(): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.baseUrl}/api/health/ready`);
      if (response.ok) return undefined;
      const { checks = {} } = (await response.json()) as HealthBody;
      const down = Object.entries(checks).filter(([, { status }]) => status === 'down');
      return down.map(([name, { message }]) => `${name}: ${message}`).join('; ');
    } catch (error) {
      return `it does not answer (${error instanceof Error ? error.message : String(error)})`;
    }
  }
}
