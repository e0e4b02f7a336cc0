/** Of the service of the name; `environment/name` is one of another environment. */
export function idOf(name: string): string {
  return name.includes('/') ? name : `default/${name}`;
}
