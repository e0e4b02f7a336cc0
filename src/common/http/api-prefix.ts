/** First part of every path; controllers leave it out. */
export const API_PREFIX = 'api';

/** Paths that stand outside of it, where the programs that ask for them expect them. */
export const UNPREFIXED = ['metrics'];
