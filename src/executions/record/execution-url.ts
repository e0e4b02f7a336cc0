/** Where people and programs find an execution; undefined without `PUBLIC_URL`. */
export function executionUrl(publicUrl: string | undefined, id: string): string | undefined {
  return publicUrl === undefined ? undefined : `${publicUrl}/api/ci/executions/${id}`;
}
