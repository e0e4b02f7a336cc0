import { uuidV7 } from '../common/ids/uuid.js';

/** The id of something that a request is about to create. */
export interface Reservation {
  readonly id: string;
  /**
   * True: an earlier request with the same key and body may have created it already, or may still
   * be about to. Look for it before anything is checked, and complete what is left to do; create it
   * under this id if it is not there.
   */
  readonly repeated: boolean;
}

/** For whoever creates something without an `Idempotency-Key`. */
export function freshReservation(): Reservation {
  return { id: uuidV7(), repeated: false };
}
