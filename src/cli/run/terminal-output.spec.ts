import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { LogPrinter } from '../client/log-printer.js';
import { Terminal } from '../terminal/terminal.js';
import { TerminalOutput } from './terminal-output.js';

const HOSTILE = 'a\u001b]0;title\u0007\u001b[2J\u001b[31mb\u001bc\u009b1;1Hc';
const PLACE = { stage: 's\u001b[2J', step: 'x', attempt: 1 };

describe.each([true, false])('with colours: %s', (colour) => {
  async function shown(print: (terminal: Terminal) => void | Promise<void>): Promise<string> {
    const out = new PassThrough();
    await print(new Terminal(out, out, colour));
    out.end();
    return text(out);
  }

  it.each(['stdout', 'stderr', 'system'] as const)(
    'shows %s of a step as `logs` does, with nothing that a terminal obeys but colours',
    async (stream) => {
      const run = await shown((terminal) => {
        const output = new TerminalOutput(MaskSet.from([]), terminal);
        if (stream === 'system') return output.systemLine(PLACE, HOSTILE);
        const sink = output.open(PLACE, stream);
        void sink.write(Buffer.from(`${HOSTILE}\n`));
        sink.end();
      });
      const logs = await shown((terminal) =>
        new LogPrinter(terminal).print([{ ...PLACE, seq: 1, ts: '', stream, text: HOSTILE }]),
      );
      expect(run).toBe(logs);
      const sequences = run.match(/\u001b[^m]*.|[\u0080-\u009f\u0007]/g) ?? [];
      for (const each of sequences) expect(each).toMatch(/^\u001b\[\d+m$/);
      expect(run.replace(/\u001b\[\d+m/g, '')).toBe('s/x | abc\n');
      if (!colour) expect(sequences).toEqual([]);
      else expect(run).toContain('\u001b[31mb');
    },
  );
});
