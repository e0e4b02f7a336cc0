import type { AnsweredLog } from './instance-logs.js';

/** Asks the workers of a host for a log. Topics of the event bus: nothing of it is stored. */
export interface LogRequest {
  /** Unguessable: names the topic of the answer. */
  readonly id: string;
  /** `environment/name`. */
  readonly service: string;
  readonly lines: number;
}

/** Where the workers of a host hear requests. */
export function requestTopic(host: string): string {
  return `service-logs.${host}`;
}

/** Where whoever asked hears the answer. */
export function answerTopic(requestId: string): string {
  return `service-log.${requestId}`;
}

export function requestText(request: LogRequest): string {
  return JSON.stringify(request);
}

/** Undefined: it is another hint, as that of a new subscription. */
export function requestOf(text: string): LogRequest | undefined {
  return text.startsWith('{') ? (JSON.parse(text) as LogRequest) : undefined;
}

export function answerText(answer: AnsweredLog): string {
  return JSON.stringify(answer);
}

/** Undefined: it is another hint. */
export function answerOf(text: string): AnsweredLog | undefined {
  return text.startsWith('{') ? (JSON.parse(text) as AnsweredLog) : undefined;
}
