/** What brings the keys and types that are refused until later, for the message. */
export const LATER = {
  deployments: 'deployments come later',
  matrix: 'the matrix comes later',
  concurrency: 'concurrency rules come later',
} as const;
