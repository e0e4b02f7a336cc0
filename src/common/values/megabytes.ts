/** Bytes for people, in millions with one digit behind the point: `1.5`. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
