import type { Reason } from '../../../engine/plan/run-state.js';
import type { StepOutcome } from '../../../engine/runtime/step-handler.js';
import { imageReference, parseImageName } from '../../../engine/steps/container/image-name.js';

/** Bytes of the end of the output that a failure is told by. */
const TAIL_BYTES = 16 * 1024;
const MAX_MESSAGE = 500;

/** Keeps the end of what passes. */
export class OutputTail {
  private kept = Buffer.alloc(0);

  push(bytes: Buffer): void {
    this.kept = Buffer.concat([this.kept, bytes]).subarray(-TAIL_BYTES);
  }

  get lines(): readonly string[] {
    return this.kept
      .toString('utf8')
      .split(/[\r\n]+/)
      .map((line) => line.trimEnd())
      .filter((line) => line !== '');
  }
}

/** Instruction that failed, as BuildKit shows it above its output: ` > [2/3] RUN make:`. */
const INSTRUCTION = /^ > \[(?!internal\])[^\]]*\] (.*?):?$/;
/** What BuildKit asked a registry when it failed: ` > [internal] load metadata for r/x:1:`. */
const METADATA = /^ > \[internal\] load metadata for (\S+?):?$/;
/** Podman tells of it by the instruction: `FROM r/x:1`, `FROM --platform=a/b r/x:1 AS c`. */
const FROM = /^FROM (?:--\S+ )*(\S+)/i;
/** The same of podman: `STEP 3/4: RUN make`. */
const STEP = /^STEP \d+\/\d+: (.*)$/;
const AWAY =
  /cannot connect to the docker daemon|error during connect|connection refused|unable to connect to podman|EOF$/i;
const UNAUTHORIZED =
  /pull access denied|authorization failed|unauthorized|authentication required|no basic auth|requested access to the resource is denied/i;
const MISSING =
  /manifest unknown|name unknown|failed to resolve (source metadata|reference).*not found|: not found$/i;
const PLATFORM = /no match for platform|no matching manifest|exec format error/i;

/**
 * Why a build failed, by the end of what it printed: builders have no codes for it. What this gives
 * is not masked.
 *
 * @param isOnlyBuilt whether the execution has built what it calls so, and has not pushed it; by
 *   the whole name, see `imageReference`
 */
export function buildFailure(
  exitCode: number,
  lines: readonly string[],
  isOnlyBuilt: (reference: string) => boolean,
): StepOutcome {
  const said = errorLine(lines);
  const instruction = instructionOf(lines);
  const data = {
    ...(instruction !== undefined && { instruction: shortened(instruction) }),
    exit_code: exitCode,
  };
  const message = shortened(said === '' ? `the builder ended with exit code ${exitCode}` : said);
  if (AWAY.test(said)) {
    return { kind: 'infrastructure', reason: { code: 'engine_away', message } };
  }
  const base = baseOf(lines, instruction);
  if (base !== undefined && isOnlyBuilt(base)) {
    return { kind: 'failed', exitCode, isFinal: true, reason: onlyBuilt(base, exitCode) };
  }
  // What an instruction prints is its own: only what comes before any of them is of images.
  if (instruction === undefined) {
    const code = imageCode(said);
    if (code !== undefined) {
      return { kind: 'failed', exitCode, isFinal: true, reason: { code, message, data } };
    }
  }
  return { kind: 'failed', exitCode, reason: { code: 'build_failed', message, data } };
}

function imageCode(said: string): string | undefined {
  if (UNAUTHORIZED.test(said)) return 'image_unauthorized';
  if (PLATFORM.test(said)) return 'image_platform';
  return MISSING.test(said) ? 'image_missing' : undefined;
}

/** The whole name of the image that could not be had to begin with. */
function baseOf(lines: readonly string[], instruction: string | undefined): string | undefined {
  const asked = lines.findLast((line) => METADATA.test(line)) ?? '';
  const name = instruction === undefined ? METADATA.exec(asked)?.[1] : FROM.exec(instruction)?.[1];
  const parsed = name === undefined ? undefined : parseImageName(name);
  return parsed && imageReference(parsed);
}

function onlyBuilt(image: string, exitCode: number): Reason {
  const message =
    `this execution built ${image}, but FROM takes images of a registry alone: ` +
    'push it first (push: true), or make it a stage of the same Dockerfile';
  return { code: 'image_missing', message, data: { image, exit_code: exitCode } };
}

function errorLine(lines: readonly string[]): string {
  const told = lines.findLast((line) =>
    /^(ERROR|Error|error|failed to solve|executor failed)\b/.test(line),
  );
  return (told ?? lines.at(-1) ?? '').replace(/^error: /i, '');
}

function instructionOf(lines: readonly string[]): string | undefined {
  for (const line of lines.toReversed()) {
    const found = INSTRUCTION.exec(line) ?? STEP.exec(line);
    if (found) return found[1];
  }
  return undefined;
}

function shortened(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE - 1)}…` : text;
}
