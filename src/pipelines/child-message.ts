import { compileSource } from './compile-source.js';
import { dryRun, type DryRunRequest } from './dry-run.js';

/** Largest message to the child, bytes. */
export const maxMessageBytes = 4 * 1024 * 1024;

/** Stands before a request for a dry run: no text in UTF-8 begins with it, so none can pass for one. */
const dryRunMark = 0xff;

/** What `ChildCompiler` sends to compile a text: the text itself. */
export function compileMessage(yaml: string): Buffer {
  return Buffer.from(yaml, 'utf8');
}

/** What it sends for a dry run. */
export function dryRunMessage(request: DryRunRequest): Buffer {
  return Buffer.concat([Buffer.of(dryRunMark), Buffer.from(JSON.stringify(request), 'utf8')]);
}

/** What the child answers to a message: `CompiledYaml`, or `DryRun`. */
export function answerTo(message: Buffer): unknown {
  if (message[0] !== dryRunMark) return compileSource(message.toString('utf8'));
  return dryRun(JSON.parse(message.toString('utf8', 1)) as DryRunRequest);
}
