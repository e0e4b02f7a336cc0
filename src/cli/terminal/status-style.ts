import { valueOf } from '../../common/values/name-record.js';
import type { Style, Terminal } from './terminal.js';

const STYLES: Readonly<Record<string, Style>> = {
  pending: 'dim',
  waiting: 'dim',
  running: 'cyan',
  success: 'green',
  failed: 'red',
  cancelled: 'yellow',
  timeout: 'red',
  skipped: 'dim',
  active: 'green',
  draining: 'yellow',
  stopped: 'dim',
  lost: 'red',
  held: 'green',
  taking: 'cyan',
  releasing: 'yellow',
};

/** Characters of the longest status of an execution or step. */
export const STATUS_WIDTH = 9;

/** A status in its colour; one that this version does not know is left plain. */
export function paintStatus(terminal: Terminal, status: string, text = status): string {
  const style = valueOf(STYLES, status);
  return style === undefined ? text : terminal.paint(style, text);
}

/** A length of time in milliseconds, for people. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
