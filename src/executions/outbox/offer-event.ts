import { within } from '../../common/async/within.js';
import type { OutboxEvent } from '../record/outbox-event.js';
import type { ExecutionEvent, OutboxConsumer } from './outbox-consumers.js';

const HANDLE_MS = 30_000;

/** Who of the consumers took it, and who did not. */
export interface Offered {
  readonly takenBy: readonly string[];
  readonly refused: readonly Refused[];
}

export interface Refused {
  readonly consumer: string;
  readonly error: unknown;
}

/** News from the outbox, with what is known of them besides. */
export type OfferedEvent = OutboxEvent & Pick<ExecutionEvent, 'known'>;

/** Offers the event to all of them at the same time. Never rejects. */
export async function offerEvent(
  executionId: string,
  { event_id, type, at, known }: OfferedEvent,
  consumers: readonly OutboxConsumer[],
  limitMs = HANDLE_MS,
): Promise<Offered> {
  const event = { id: event_id, type, at, executionId, known };
  const takenBy: string[] = [];
  const refused: Refused[] = [];
  await Promise.all(
    consumers.map(async (consumer) => {
      try {
        await handle(consumer, event, limitMs);
        takenBy.push(consumer.name);
      } catch (error) {
        refused.push({ consumer: consumer.name, error });
      }
    }),
  );
  return { takenBy, refused };
}

async function handle(
  consumer: OutboxConsumer,
  event: ExecutionEvent,
  limitMs: number,
): Promise<void> {
  const limit = new AbortController();
  // A consumer that throws at once has refused it too.
  const handling = Promise.resolve().then(() => consumer.handle(event, limit.signal));
  await within(limitMs, handling, () => {
    const error = new Error(`${consumer.name} did not take the news within ${limitMs} ms`);
    limit.abort(error);
    throw error;
  });
}
