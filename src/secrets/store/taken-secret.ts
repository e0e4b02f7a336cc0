/** Which value of a secret was given: never the value itself. */
export interface TakenSecret {
  readonly name: string;
  /** Of the secret in the store: its owner and name. */
  readonly secret_id: string;
  /** When the value that was given had been set. */
  readonly set_at: Date;
  /** Narrower ones that were not for whoever asked. Absent: there were none. */
  readonly passed_by?: readonly string[];
  /** No pipeline asked for it: narrower ones were not looked for. */
  readonly only_global?: true;
}
