/** There is nothing that `artifacts_from` could bring. */
export class NoUpstreamError extends Error {
  readonly code = 'artifacts_missing';
}
