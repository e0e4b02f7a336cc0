import { Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { hostname } from 'node:os';
import { messageOf } from '../../common/values/error-message.js';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import { type AnsweredLog, InstanceLogs } from './instance-logs.js';
import { answerText, answerTopic, type LogRequest, requestOf, requestTopic } from './log-topics.js';

/** Answers who asks for the logs of this host's services. Of several workers the first counts. */
@Injectable()
export class LogAnswers implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(LogAnswers.name);
  private stop: (() => void) | undefined;

  constructor(
    private readonly bus: EventBus,
    private readonly logs: InstanceLogs,
  ) {}

  onModuleInit(): void {
    this.stop = this.bus.subscribe(requestTopic(hostname()), (text) => {
      const request = requestOf(text);
      if (request !== undefined) void this.answer(request);
    });
  }

  onModuleDestroy(): void {
    this.stop?.();
  }

  /** Never rejects: who asked hears nothing then, and is told so by its own time limit. */
  private async answer({ id, service, lines }: LogRequest): Promise<void> {
    try {
      await this.bus.publish(answerTopic(id), answerText(await this.read(service, lines)));
    } catch (error) {
      this.logger.warn({ err: error, service }, 'a log that was asked for could not be given');
    }
  }

  private async read(service: string, lines: number): Promise<AnsweredLog> {
    try {
      return await this.logs.last(service, lines);
    } catch (error) {
      return { kind: 'none', reason: { code: 'log_not_readable', message: messageOf(error) } };
    }
  }
}
