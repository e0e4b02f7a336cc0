import { text } from 'node:stream/consumers';
import { compileSource } from './compile-source.js';

// The program that ChildCompiler starts: YAML on standard input, CompiledYaml as JSON on standard output.
process.stdout.write(JSON.stringify(compileSource(await text(process.stdin))));
