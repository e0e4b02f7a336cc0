import { Injectable } from '@nestjs/common';
import { entryFile } from '../config/paths.js';
import { ChildCompiler } from './child-compiler.js';
import { compileSource } from './compile-source.js';
import type { CompiledYaml } from './compiled-yaml.js';

/**
 * Texts up to this many characters are compiled in this process. The worst of them (hundreds of steps or wrong keys) took
 * 100 to 200 ms in a cold process, of 64 KiB 900 ms: too long for every other request to wait. A child costs 0.2 s.
 */
const inProcessLimit = 8 * 1024;
const childTimeoutMs = 5_000;

/** Compiles YAML of untrusted users; large ones where they can harm nobody else. */
@Injectable()
export class YamlCompiler {
  private child: ChildCompiler | undefined;

  /** @throws UnprocessableError when the YAML is too complex */
  async compile(yaml: string): Promise<CompiledYaml> {
    if (yaml.length <= inProcessLimit) return compileSource(yaml);
    this.child ??= new ChildCompiler({
      program: entryFile('pipelines/compile-child'),
      timeoutMs: childTimeoutMs,
    });
    return this.child.compile(yaml);
  }
}
