import { configRows, type ConfigValues, type ConfigVariable } from './config-variables.js';
import type { Environment } from './environment.js';

/** One line of `./millrace config`. */
export interface ConfigLine {
  readonly name: string;
  /** Effective value as it would be written in the environment, secrets masked; empty = unset. */
  readonly value: string;
  readonly source: 'environment' | 'default';
  readonly section: string;
  readonly description: string;
}

const MASKED = '********';

/** The effective configuration in the order of the table, with secrets masked. */
export function describeConfig(config: ConfigValues, environment: Environment): ConfigLine[] {
  return configRows.map(([key, row]) => ({
    name: row.name,
    value: visibleValue(row, row.kind.format(config[key])),
    source: (environment[row.name]?.trim() ?? '') === '' ? 'default' : 'environment',
    section: row.section,
    description: row.description,
  }));
}

function visibleValue(row: ConfigVariable<unknown>, text: string): string {
  if (text === '' || row.secrecy === 'none') return text;
  return row.secrecy === 'whole' ? MASKED : maskUrl(text);
}

/**
 * Hides what stands before the last `@` and the values of the query. It is textual because a list
 * of hosts in a MongoDB URI is no URL, and greedy because a password may hold an unescaped `@`.
 */
function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/i, `$1${MASKED}@`)
    .replace(/([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*/gi, `$1${MASKED}`);
}

/** The configuration as environment variables, for a child process; unset ones are left out. */
export function configEnvironment(config: ConfigValues): Record<string, string> {
  const entries = configRows
    .map(([key, row]): [string, string] => [row.name, row.kind.format(config[key])])
    .filter(([, text]) => text !== '');
  return Object.fromEntries(entries);
}

/** The text of `.env.example`: every variable with its description and default. */
export function renderEnvExample(): string {
  const lines = [
    '# Millrace reads these from its environment; every one may be left out.',
    '# `./millrace config` prints the effective values.',
  ];
  let section = '';
  for (const [, row] of configRows) {
    if (row.section !== section) {
      section = row.section;
      lines.push('', `# --- ${section} ---`);
    }
    lines.push('', ...wrap(row.description, 98).map((line) => `# ${line}`));
    lines.push(`#${row.name}=${row.example ?? row.kind.format(row.fallback())}`);
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
