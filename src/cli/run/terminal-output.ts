import type { MaskSet } from '../../common/redaction/mask-set.js';
import { MaskingStream } from '../../common/redaction/masking-stream.js';
import type { StepAddress } from '../../engine/runtime/step-handler.js';
import type { OutputSink, StepOutput } from '../../executions/attempt/steps/step-output.js';
import { LineCutter } from '../../logs/write/line-cutter.js';
import { LineTail } from '../../logs/write/line-tail.js';
import { logPrefix, formatLogText } from '../terminal/log-line.js';
import type { Terminal } from '../terminal/terminal.js';

const LINE_BYTES = 64 * 1024;
const TAIL_BYTES = 16 * 1024;

/**
 * Shows what steps print, each line behind the name of its step; masked as in the server, cleaned
 * as by `logs`.
 */
export class TerminalOutput implements StepOutput {
  private readonly tails = new Map<string, LineTail>();

  constructor(
    private readonly masks: MaskSet,
    private readonly terminal: Terminal,
  ) {}

  open(address: StepAddress, stream: 'stdout' | 'stderr'): OutputSink {
    const masking = new MaskingStream(this.masks);
    const cutter = new LineCutter(LINE_BYTES, {
      lines: (pieces) => this.show(address, stream, Buffer.concat(pieces)),
      cutLine: (pieces) => this.show(address, stream, Buffer.concat(pieces)),
      lastLine: (pieces) => this.show(address, stream, Buffer.concat(pieces)),
    });
    return {
      write: (bytes) => {
        for (const piece of masking.push(bytes)) cutter.push(piece);
        return true;
      },
      end: () => {
        for (const piece of masking.flush()) cutter.push(piece);
        cutter.end();
      },
    };
  }

  systemLine(address: StepAddress, text: string): void {
    for (const line of this.masks.maskText(text).split('\n')) {
      this.print(address, 'system', line);
    }
  }

  lastLines(address: StepAddress, count: number): string[] {
    const lines = this.tails.get(keyOf(address))?.last(count) ?? [];
    // Lines from before a mask was added may show what it hides.
    return this.masks.hasGrown ? lines.map((line) => this.masks.maskText(line)) : lines;
  }

  private show(address: StepAddress, stream: 'stdout' | 'stderr', lines: Buffer): void {
    const tail = this.tails.get(keyOf(address)) ?? new LineTail(TAIL_BYTES);
    this.tails.set(keyOf(address), tail);
    tail.add(lines);
    for (const line of lines.toString('utf8').replace(/\n$/, '').split('\n')) {
      this.print(address, stream, line);
    }
  }

  private print(address: StepAddress, stream: 'stdout' | 'stderr' | 'system', line: string): void {
    const { terminal } = this;
    terminal.printWhole(`${logPrefix(address, terminal)}${formatLogText(stream, line, terminal)}`);
  }
}

function keyOf({ stage, step, attempt }: StepAddress): string {
  return JSON.stringify([stage, step, attempt]);
}
