const LENGTH_DIGITS = 4;

/** What a server says of its refs, without what isomorphic-git takes for one. */
export interface AdvertisedRefs {
  readonly body: Buffer;
  /** Commits at which the history of the server ends: it is a shallow clone itself. */
  readonly shallow: readonly string[];
}

/**
 * Takes the lines `shallow SHA` out of an answer in pkt-lines. isomorphic-git reads each as a ref
 * that is named like the commit, and leads to "shallow". What is no list of pkt-lines stays as it
 * is. Source: gitprotocol-pack(5), "Reference Discovery".
 */
export function withoutShallow(answer: Buffer): AdvertisedRefs {
  const kept: Buffer[] = [];
  const shallow: string[] = [];
  for (let at = 0; at < answer.length;) {
    const digits = answer.toString('latin1', at, at + LENGTH_DIGITS);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : NaN;
    const end = at + Math.max(length, LENGTH_DIGITS);
    if (Number.isNaN(length) || end > answer.length) return { body: answer, shallow: [] };
    const line = answer.toString('latin1', at + LENGTH_DIGITS, end);
    const [, sha] = /^shallow ([0-9a-f]{40})\n?$/.exec(line) ?? [];
    if (sha === undefined) kept.push(answer.subarray(at, end));
    else shallow.push(sha);
    at = end;
  }
  return shallow.length === 0 ? { body: answer, shallow } : { body: Buffer.concat(kept), shallow };
}
