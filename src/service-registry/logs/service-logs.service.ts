import { Injectable } from '@nestjs/common';
import {
  conflict,
  type MillraceError,
  serviceUnavailable,
} from '../../common/errors/millrace.error.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { DeployedServices } from '../deployed-services.js';
import { type ServiceName, ServicesService } from '../services.service.js';
import type { AnsweredLog, InstanceLog } from './instance-logs.js';
import { answerOf, answerTopic, requestText, requestTopic } from './log-topics.js';

/** For an answer of a worker, ms. */
const PATIENCE_MS = 5_000;

export interface ServiceLog extends InstanceLog {
  readonly service: string;
  readonly host: string;
}

/** What services say, from where they run. */
@Injectable()
export class ServiceLogs {
  /** ms; a spec may wait less. */
  patienceMs = PATIENCE_MS;

  constructor(
    private readonly services: ServicesService,
    private readonly deployed: DeployedServices,
    private readonly bus: EventBus,
  ) {}

  /**
   * The last lines of the instance that serves.
   * @throws NotFoundError; ConflictError: it has no instance; ServiceUnavailableError: no worker of
   *   its host answers
   */
  async last(name: ServiceName, lines: number): Promise<ServiceLog> {
    const { id } = await this.services.get(name);
    const service = await this.deployed.find(id);
    if (service?.hasInstance !== true) throw noInstance(id);
    const { host } = service;
    const answer = await this.ask(host, id, lines);
    if (answer === undefined) {
      throw serviceUnavailable(`No worker of the host ${host} answers, where ${id} runs.`, {
        suggestions: ['Start a worker there: `./millrace workers` shows those that live.'],
      });
    }
    if (answer.kind === 'none') {
      throw conflict(`The log of ${id} cannot be read: ${answer.reason.message}.`);
    }
    return { service: id, host, ...answer.log };
  }

  /** Undefined: nobody has answered in time. */
  private ask(host: string, service: string, lines: number): Promise<AnsweredLog | undefined> {
    const id = uuidV7();
    return new Promise((resolve, reject) => {
      let stop: () => void = () => undefined;
      const end = (tell: () => void): void => {
        clearTimeout(timer);
        stop();
        tell();
      };
      const timer = setTimeout(() => end(() => resolve(undefined)), this.patienceMs);
      stop = this.bus.subscribe(answerTopic(id), (text) => {
        const answer = answerOf(text);
        if (answer !== undefined) return end(() => resolve(answer));
        // That the subscription stands: from here on no answer is missed.
        const request = requestText({ id, service, lines });
        this.bus
          .publish(requestTopic(host), request)
          .catch((error: Error) => end(() => reject(error)));
      });
    });
  }
}

/** 409 */
export function noInstance(id: string): MillraceError {
  return conflict(`${id} has no instance that Millrace runs, so there is no log of it.`, {
    suggestions: [
      'Programs and containers that were deployed have one; of a unit its parts have it.',
    ],
  });
}
