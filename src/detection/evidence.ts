/** Why something is taken to be so. */
export interface Evidence {
  /** Names the rule: `package-json`. The list is in docs/detection.md. */
  readonly rule: string;
  readonly file: string;
  /** Counted from 1; null: it is the file itself that says so. */
  readonly line: number | null;
  /** From -1, which rules it out, to 1, which proves it. */
  readonly weight: number;
  readonly message: string;
}

/** Where something was read. */
export type Source = Pick<Evidence, 'rule' | 'file' | 'line'>;

/**
 * What is known of one point. Nothing is guessed: where files contradict each other it is
 * `ambiguous`, and what only running code or a person can tell is `unknown`.
 */
export type Fact =
  | { readonly state: 'known'; readonly value: string; readonly source: Source }
  /** No file says so; it is what the tool does by itself. */
  | { readonly state: 'assumed'; readonly value: string; readonly reason: string }
  | { readonly state: 'ambiguous'; readonly choices: readonly Choice[]; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string };

export interface Choice {
  readonly value: string;
  readonly source: Source;
}

export function known(value: string, source: Source): Fact {
  return { state: 'known', value, source: sourceOf(source) };
}

export function assumed(value: string, reason: string): Fact {
  return { state: 'assumed', value, reason };
}

export function unknown(reason: string): Fact {
  return { state: 'unknown', reason };
}

/** One value of all choices is known, of several none is taken. */
export function factOf(choices: readonly Choice[], reason: string, none: Fact): Fact {
  const values = new Set(choices.map(({ value }) => value));
  const [first] = choices;
  if (first === undefined) return none;
  if (values.size === 1) return known(first.value, first.source);
  return { state: 'ambiguous', choices, reason };
}

/** The value, if there is one. */
export function valueOf(fact: Fact | undefined): string | undefined {
  return fact?.state === 'known' || fact?.state === 'assumed' ? fact.value : undefined;
}

/**
 * From 0 to 1, with two digits: independent evidence for it adds up as chances do, evidence against
 * it takes its part away.
 */
export function confidenceOf(evidence: readonly Pick<Evidence, 'weight'>[]): number {
  let [doubt, against] = [1, 1];
  for (const { weight } of evidence) {
    if (weight >= 0) doubt *= 1 - weight;
    else against *= 1 + weight;
  }
  return Math.round((1 - doubt) * against * 100) / 100;
}

function sourceOf({ rule, file, line }: Source): Source {
  return { rule, file, line };
}
