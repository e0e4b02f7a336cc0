import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { uuidV7 } from '../common/ids/uuid.js';
import type { IdempotencyKeyDocument, StoredAnswer } from './idempotency-key.schema.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import type { Reservation } from './reservation.js';

/** How long a key is kept. */
export const KEPT_MS = 24 * 60 * 60 * 1000;
/**
 * After this time a holder is taken for dead. Too short does no harm, because whoever takes over
 * works under the same id; so it is what a client may be made to wait after a crash.
 */
export const HELD_MS = 5_000;

/** By how much the clocks of two API processes may differ before it is noticed. */
const CLOCK_SKEW_MS = 1_000;

/** What a key belongs to; the same key elsewhere is another one. */
export interface KeyScope {
  readonly actor: string;
  readonly route: string;
  readonly key: string;
}

/** The right to act under a key. */
export interface KeyHold {
  readonly keyId: string;
  readonly holder: string;
  readonly reservation: Reservation;
}

export type KeyOutcome =
  | { readonly kind: 'held'; readonly hold: KeyHold }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  | { readonly kind: 'other_body' }
  | { readonly kind: 'under_way'; readonly retryAfterMs: number };

/**
 * Makes sure that one key creates at most one thing (ADR 13). The id of the thing is stored with
 * the key before anything is created, so that a repetition creates the same thing or finds it,
 * whatever became of the request before.
 */
@Injectable()
export class IdempotencyKeys {
  constructor(private readonly keys: IdempotencyKeysRepository) {}

  /** @param bodyDigest of the body; another one under the same key is `other_body` */
  async take(scope: KeyScope, bodyDigest: string): Promise<KeyOutcome> {
    const id = idOf(scope);
    const holder = uuidV7();
    for (;;) {
      const now = Date.now();
      const mine = newKey(id, holder, bodyDigest, now);
      const there = await this.keys.insert(mine);
      if (!there) continue;
      if (there.holder === holder) return held(there);
      if (there.created_at.getTime() <= now - KEPT_MS) {
        if (await this.keys.replace(there, mine)) return held(mine);
        continue;
      }
      if (there.body_digest !== bodyDigest) return { kind: 'other_body' };
      if (there.answer) return { kind: 'answered', answer: there.answer };
      const left = there.held_until.getTime() - Date.now();
      // More than a whole term left is the word of a clock that is ahead; a little more may be
      // between two machines.
      if (left > 0 && left <= HELD_MS + CLOCK_SKEW_MS) {
        return { kind: 'under_way', retryAfterMs: Math.min(left, HELD_MS) };
      }
      if (await this.keys.takeOver(there, holder, mine.held_until)) {
        return held({ ...there, holder, repeated: true });
      }
    }
  }

  /** Keeps the answer for repetitions. */
  async answered({ keyId, reservation }: KeyHold, answer: StoredAnswer): Promise<void> {
    await this.keys.answer(keyId, reservation.id, answer);
  }

  /**
   * The request was refused before it created anything. The key is free for a corrected request;
   * not so when a request before it may have created something: then the key stays with its id and
   * its body.
   */
  async refused({ keyId, holder, reservation }: KeyHold): Promise<void> {
    if (reservation.repeated) await this.keys.release(keyId, holder);
    else await this.keys.delete(keyId, holder);
  }

  /** Nobody knows what the request did; a repetition may find out at once. */
  async broke({ keyId, holder }: KeyHold): Promise<void> {
    await this.keys.release(keyId, holder);
  }
}

function idOf({ actor, route, key }: KeyScope): string {
  return createHash('sha256')
    .update(JSON.stringify([actor, route, key]), 'utf8')
    .digest('hex');
}

function newKey(
  id: string,
  holder: string,
  bodyDigest: string,
  now: number,
): IdempotencyKeyDocument {
  return {
    _id: id,
    body_digest: bodyDigest,
    resource_id: uuidV7(),
    holder,
    held_until: new Date(now + HELD_MS),
    repeated: false,
    answer: null,
    created_at: new Date(now),
  };
}

function held({ _id, holder, resource_id, repeated }: IdempotencyKeyDocument): KeyOutcome {
  return { kind: 'held', hold: { keyId: _id, holder, reservation: { id: resource_id, repeated } } };
}
