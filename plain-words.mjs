/**
 * Words that a reader with English as a second language must look up, or that have another meaning
 * elsewhere, and what to write instead. Lint and a test of the documents hold the tree free of
 * them.
 */
export const PLAIN_WORDS = [
  [/[gG]o(es)?On\b|\bmayGo\b/, 'shouldContinue, or a signal'],
  [/\bagedBefore\b/, 'expiryDate'],
  [/\blookAround\b|\blookedAt\b/, 'inspect…, refresh…'],
  [/\bgiveUpStrays\b|\btakeFromLostWorkers?\b|\btakeUnheardClaim\b/, 'recover…, requeue…, revert…'],
  [/\btell(Live|On)\b|\buntold\b/, 'publish…, unreported'],
  [/\bstepBack\b|\bhurryHooks\b|\bletGo\b|\bleaveStep\b|\baskGate\b/, 'a verb of the field'],
  [/\bwish(es|ed)?\b/i, 'request'],
  [/\bhindrances?\b|\bhinders?\b/i, 'blocker, blocks'],
  [/\bparted by\b/i, 'separated by'],
  [/\b(goes|go|went|going|gone) on\b/i, 'continue'],
  [/\banew\b|\bafresh\b/i, 'again'],
  [/\bof before\b(?!\))/i, 'of an older release, or earlier'],
  [/(\/\*\*|\/\/|^\s*\*) So (long|many|much|few|often)\b/, 'the subject first: what it counts'],
  [/\bin vain\b/i, 'for nothing, or what was not found'],
  [/\bclothes\b/i, 'the standard term'],
  [/\bheed(s|ing|ed)?\b/i, 'respect'],
  [/\bamid(st)?\b/i, 'among, during'],
  [/\bwants? it to\b/i, 'asks it to'],
  [
    /\b(lest|hitherto|whence|whither|thence|thereof|wherein|whereby|naught|aught)\b/i,
    'plain words',
  ],
];
