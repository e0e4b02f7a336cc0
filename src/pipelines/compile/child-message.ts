import type { RepositorySupport } from '../../common/values/repository-url.js';
import { compileSource } from './compile-source.js';
import { dryRun, type DryRunRequest } from './dry-run.js';

/** Largest message to the child, bytes. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Tells the child that ssh URLs can be cloned from. */
export const SSH_FLAG = '--ssh';

/**
 * Stands before a request for a dry run: no text in UTF-8 begins with it, so none can pass for one.
 */
const DRY_RUN_MARK = 0xff;

/** What `ChildCompiler` sends to compile a text: the text itself. */
export function compileMessage(yaml: string): Buffer {
  return Buffer.from(yaml, 'utf8');
}

/** What it sends for a dry run. */
export function dryRunMessage(request: DryRunRequest): Buffer {
  return Buffer.concat([Buffer.of(DRY_RUN_MARK), Buffer.from(JSON.stringify(request), 'utf8')]);
}

/** What the child answers to a message: `CompiledYaml`, or `DryRun`. */
export function answerTo(message: Buffer, repositories: RepositorySupport): unknown {
  if (message[0] !== DRY_RUN_MARK) return compileSource(message.toString('utf8'), repositories);
  return dryRun(JSON.parse(message.toString('utf8', 1)) as DryRunRequest, repositories);
}
