import { answerTo, maxMessageBytes, sshFlag } from './pipelines/compile/child-message.js';
import { frame, FrameReader } from './pipelines/compile/frames.js';

// The program that CompileProcess starts: messages of ChildCompiler on standard input, for each one its answer as JSON on
// standard output. It ends with its standard input.
const repositories = { ssh: process.argv.includes(sshFlag) };
const messages = new FrameReader(maxMessageBytes);
process.stdin.on('data', (part: Buffer) => {
  for (const message of messages.push(part)) {
    process.stdout.write(
      frame(Buffer.from(JSON.stringify(answerTo(message, repositories)), 'utf8')),
    );
  }
});
