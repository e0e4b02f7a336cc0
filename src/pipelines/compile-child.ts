import { MAX_YAML_BYTES } from '../engine/definition/source-text.js';
import { compileSource } from './compile-source.js';
import { frame, FrameReader } from './frames.js';

// The program that CompileProcess starts: texts of YAML on standard input, for each one CompiledYaml as JSON on standard
// output. It ends with its standard input.
const texts = new FrameReader(MAX_YAML_BYTES);
process.stdin.on('data', (part: Buffer) => {
  for (const yaml of texts.push(part)) {
    const compiled = compileSource(yaml.toString('utf8'));
    process.stdout.write(frame(Buffer.from(JSON.stringify(compiled), 'utf8')));
  }
});
