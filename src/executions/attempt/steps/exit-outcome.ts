import type { StepOutcome } from '../../../engine/runtime/step-handler.js';
import type { OutputFile } from './output-file.js';

type Exited = Extract<StepOutcome, { kind: 'success' | 'failed' | 'aborted' }>;

/** How a try ended whose program did, with the outputs that it set. `killed`: we ended it. */
export function exitOutcome(
  exitCode: number,
  killed: boolean,
  file: OutputFile,
  declared: readonly string[],
): Exited {
  if (exitCode !== 0 || killed) {
    return { kind: killed ? 'aborted' : 'failed', exitCode, outputs: file.readWhole(declared) };
  }
  const read = file.read(declared);
  if (read.kind === 'outputs') return { kind: 'success', exitCode, outputs: read.outputs };
  return { kind: 'failed', exitCode, reason: { code: 'output_invalid', message: read.message } };
}
