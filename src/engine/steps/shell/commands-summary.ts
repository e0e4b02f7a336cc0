/** The first line that does something, and how many follow. */
export function commandsSummary(commands: readonly string[]): string {
  const lines = commands.flatMap((command) => command.split('\n')).filter((line) => line.trim());
  const [first = ''] = lines;
  return lines.length > 1 ? `${first.trim()} (and ${lines.length - 1} more lines)` : first.trim();
}
