/**
 * Hints between processes over the event bus. Each may be lost: whoever needs the truth reads the
 * database in time.
 */

/** The message is the id of an execution that somebody wants cancelled. */
export const CANCEL_TOPIC = 'executions.cancel';

/** The message is the name of a queue that was used for the first time. */
export const QUEUE_TOPIC = 'executions.queue';
