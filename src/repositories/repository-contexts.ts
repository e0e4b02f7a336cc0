/** What the sealed texts of a repository are sealed for. */
export function tokenContext(id: string): string {
  return `repository:${id}:token`;
}

export function webhookContext(id: string): string {
  return `repository:${id}:webhook`;
}
