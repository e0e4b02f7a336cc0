/** By which a user names a service; its `_id` in every record. */
export function serviceIdOf(environment: string, name: string): string {
  return `${environment}/${name}`;
}
