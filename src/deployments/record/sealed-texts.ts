/** By what a host is entered, and known. */
export interface SshIdentity {
  /** Private key. */
  readonly key: string;
  /** Lines of `known_hosts`. */
  readonly knownHosts: string;
}

/**
 * Port: what releases need and nobody may read in the store: keys of other hosts, variables.
 * Settings name them by their ids. Rejects when the store is away.
 */
export abstract class SealedTexts {
  /** @returns its id, which is in the order of time */
  abstract add(text: string): Promise<string>;
  /** @throws MissingKeyError, BrokenSealError */
  abstract find(id: string): Promise<string | undefined>;
  /** Ids of those that were added before a moment. */
  abstract idsBefore(at: Date): Promise<readonly string[]>;
  /** Idempotent. */
  abstract remove(id: string): Promise<void>;
}

/** An identity as it is sealed. */
export function textOfIdentity({ key, knownHosts }: SshIdentity): string {
  return JSON.stringify({ key, knownHosts });
}

/** @param text that `textOfIdentity` has made */
export function identityOfText(text: string): SshIdentity {
  return JSON.parse(text) as SshIdentity;
}
