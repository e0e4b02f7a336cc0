export interface DockerInstruction {
  /** In upper case. */
  readonly name: string;
  readonly value: string;
  readonly line: number;
}

/** The instructions of a Dockerfile: each with all its lines in one, and without comments. */
export function readDockerfile(text: string): readonly DockerInstruction[] {
  const lines = text.split(/\r?\n/);
  const escape = /^#[ \t]*escape[ \t]*=[ \t]*`/i.test(lines[0] ?? '') ? '`' : '\\';
  const found: DockerInstruction[] = [];
  for (let at = 0; at < lines.length;) {
    if (NOTHING.test(lines[at] ?? '')) {
      at += 1;
      continue;
    }
    const line = at + 1;
    const [whole, next] = joined(lines, at, escape);
    at = next;
    const [, name, value = ''] = /^([A-Za-z]+)\s*(.*)$/s.exec(whole) ?? [];
    if (name === undefined) continue;
    found.push({ name: name.toUpperCase(), value, line });
    at = behindHeredoc(lines, at, value);
  }
  return found;
}

/** Empty lines and comments, which also stand between the lines of an instruction. */
const NOTHING = /^\s*(?:#|$)/;

/** A line with those that continue it, and the first line behind them. */
function joined(lines: readonly string[], start: number, escape: string): [string, number] {
  const parts: string[] = [];
  let at = start;
  for (let isOpen = true; isOpen && at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trimEnd();
    if (NOTHING.test(line)) continue;
    isOpen = line.endsWith(escape);
    parts.push((isOpen ? line.slice(0, -1) : line).trim());
  }
  return [parts.join(' ').trim(), at];
}

/** The first line behind the here-document of an instruction; its lines are no instructions. */
function behindHeredoc(lines: readonly string[], at: number, value: string): number {
  const word = /<<-?["']?([A-Za-z_]\w*)["']?/.exec(value)?.[1];
  if (word === undefined) return at;
  const end = lines.findIndex((line, index) => index >= at && line.trim() === word);
  return end < 0 ? lines.length : end + 1;
}

/** Those of the last stage: what the image is made of. */
export function lastStage(
  instructions: readonly DockerInstruction[],
): readonly DockerInstruction[] {
  const last = instructions.findLastIndex(({ name }) => name === 'FROM');
  return last < 0 ? [] : instructions.slice(last);
}
