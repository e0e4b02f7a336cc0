import { frame, FrameReader } from '../common/child-process/frames.js';
import { answerTo, MAX_MESSAGE_BYTES, SSH_FLAG } from '../pipelines/compile/child-message.js';

/**
 * The program that CompileProcess starts: messages of ChildCompiler on standard input, for each one
 * its answer as JSON on standard output. It ends with its standard input.
 */
export function compileMessages(args: readonly string[]): void {
  const repositories = { ssh: args.includes(SSH_FLAG) };
  const messages = new FrameReader(MAX_MESSAGE_BYTES);
  process.stdin.on('data', (part: Buffer) => {
    for (const message of messages.push(part)) {
      process.stdout.write(
        frame(Buffer.from(JSON.stringify(answerTo(message, repositories)), 'utf8')),
      );
    }
  });
}
