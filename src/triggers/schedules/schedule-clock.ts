/** Port: what time it is. */
export abstract class ScheduleClock {
  /** Milliseconds since the epoch. */
  abstract now(): number;
}

export class SystemClock extends ScheduleClock {
  now(): number {
    return Date.now();
  }
}
