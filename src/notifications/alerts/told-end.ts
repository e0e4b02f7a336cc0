/** What an execution of a pipeline may have ended as, for who hears of it. */
export const TOLD_ENDS = ['failure', 'success', 'fixed'] as const;
/** `failure`: failed or timed out; `fixed`: the first success after one of these. */
export type ToldEnd = (typeof TOLD_ENDS)[number];
