/** What brings the keys and types that are refused until later, for the message. */
export const LATER = {
  matrix: 'the matrix comes later',
  concurrency: 'concurrency rules come later',
} as const;
