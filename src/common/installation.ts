/**
 * Port: which installation this process is of, beside others on one machine or engine. An
 * installation is a database: all processes of one have the same id, and no other one has it.
 */
export abstract class Installation {
  /**
   * 16 hexadecimal digits, the same for good. Rejects, in a few seconds, while the database has not
   * told it yet.
   */
  abstract id(): Promise<string>;
}
