import { cleanLogLine, cleanText } from './clean-text.js';
import type { Terminal } from './terminal.js';

/** The step before each line of its log. */
export function logPrefix(
  { stage, step }: { readonly stage: string; readonly step: string },
  terminal: Terminal,
): string {
  const name = cleanText(stage === '' ? step : `${stage}/${step}`);
  return `${terminal.paint('cyan', name)} ${terminal.paint('dim', '|')} `;
}

/**
 * What a step printed, as `logs` and `run` show it: nothing in it is obeyed by a terminal but
 * colours, where there are any.
 */
export function formatLogText(stream: string, text: string, terminal: Terminal): string {
  const clean = cleanLogLine(text, terminal.colour);
  if (stream === 'stderr') return terminal.paint('yellow', clean);
  return stream === 'system' ? terminal.paint('dim', clean) : clean;
}
