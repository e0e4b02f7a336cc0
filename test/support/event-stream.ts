import { EventSourceParserStream } from 'eventsource-parser/stream';

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

/** Reads a response of server-sent events until it ends or the caller leaves. */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  if (!response.body) throw new Error('no body');
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { event = 'message', id, data } of events) {
    yield { event, id, data: JSON.parse(data) };
  }
}
