import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CommandEnd, CommandRequest } from '../../../common/values/command-end.js';
import { messageOf } from '../../../common/values/error-message.js';
import {
  type ControlMethod,
  LONGEST_ANSWER,
  LONGEST_REQUEST,
  resultOf,
  SILENCE_MS,
} from '../control-protocol.js';
import { LocalServicesError } from '../local-services.error.js';
import {
  type Listening,
  LocalServices,
  type LogRequest,
  type ServiceSpec,
  type ServiceStatus,
} from '../local-services.js';

/** Of one call, where the supervisor is away. */
const MOST_TRIES = 4;
/** Pause after the first try, ms; longer after each. */
const AGAIN_MS = 50;
/** Whoever has waited so long for a supervisor does not wait once more, ms. */
const PATIENCE_MS = 10_000;

/** The services of this host, by way of the process that supervises them. */
export class SupervisedServices extends LocalServices {
  /** @param ensure brings the supervisor up where there is none, and tells its socket */
  constructor(private readonly ensure: () => Promise<string>) {
    super();
  }

  override async start(spec: ServiceSpec): Promise<ServiceStatus> {
    return (await this.ask('start', spec)) as ServiceStatus;
  }

  override async stop(id: string): Promise<void> {
    await this.ask('stop', { id });
  }

  override async remove(id: string): Promise<void> {
    await this.ask('remove', { id });
  }

  override async status(id: string): Promise<ServiceStatus | undefined> {
    return (await this.ask('status', { id })) as ServiceStatus | undefined;
  }

  override async list(): Promise<readonly ServiceStatus[]> {
    return (await this.ask('list', {})) as readonly ServiceStatus[];
  }

  override async listening(id: string): Promise<readonly Listening[]> {
    return (await this.ask('listening', { id })) as readonly Listening[];
  }

  override async log(id: string, { tail }: LogRequest): Promise<readonly string[]> {
    return (await this.ask('log', { id, tail })) as readonly string[];
  }

  override async exec(id: string, request: CommandRequest): Promise<CommandEnd | undefined> {
    return (await this.ask('exec', { id, ...request })) as CommandEnd | undefined;
  }

  /**
   * Lets the supervisor bring up the reverse proxy of its home where none runs, as a process that
   * ends with neither of the two. A build of it takes minutes.
   *
   * @throws LocalServicesError `failed`; `unavailable`
   */
  async ensureProxy(): Promise<void> {
    await this.ask('proxy', {});
  }

  /**
   * Every method may be asked again, so where the supervisor dies meanwhile the next one is. One
   * that is dying takes connections for a moment that it never answers.
   */
  private async ask(method: ControlMethod, given: object): Promise<unknown> {
    const body = JSON.stringify(given);
    if (Buffer.byteLength(body) > LONGEST_REQUEST) {
      throw new LocalServicesError('bad_spec', `a request has ${LONGEST_REQUEST} bytes at most`);
    }
    const begun = performance.now();
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.askOnce(method, body);
      } catch (error) {
        const isAway = error instanceof LocalServicesError && error.code === 'unavailable';
        const isLong = performance.now() - begun > PATIENCE_MS;
        if (!isAway || isLong || tries >= MOST_TRIES) throw error;
      }
      await sleep(AGAIN_MS * tries);
    }
  }

  private async askOnce(method: ControlMethod, body: string): Promise<unknown> {
    return resultOf(await post(await this.socket(), method, body));
  }

  private async socket(): Promise<string> {
    try {
      return await this.ensure();
    } catch (error) {
      throw unavailable(error);
    }
  }
}

function post(socketPath: string, method: ControlMethod, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(unavailable(error));
    const headers = { 'content-type': 'application/json' };
    const call = request(
      { ...{ socketPath, path: `/${method}`, method: 'POST', headers }, agent: false },
      (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          if (size > LONGEST_ANSWER) response.destroy(new Error('its answer is too long'));
          else pieces.push(piece);
        });
        response.once('error', fail);
        response.once('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
      },
    );
    call.setTimeout(SILENCE_MS, () => call.destroy(new Error('it does not answer')));
    call.once('error', fail);
    call.end(body);
  });
}

function unavailable(error: unknown): LocalServicesError {
  const why = `the supervisor of services cannot be asked: ${messageOf(error)}`;
  return new LocalServicesError('unavailable', why, { cause: error });
}
