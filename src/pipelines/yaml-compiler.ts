import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { entryFile } from '../config/paths.js';
import { ChildCompiler } from './child-compiler.js';
import { compileSource } from './compile-source.js';
import type { CompiledYaml } from './compiled-yaml.js';

/**
 * The first text after a while, when no process is there yet, is compiled in this one if it has at most so many characters: the
 * worst of them takes some 50 ms. All others go to a process, because a hundred such texts at once would hold up every
 * other request for seconds.
 */
const inProcessLimit = 2 * 1024;
const childTimeoutMs = 5_000;

/** Compiles YAML of untrusted users where it can harm nobody else. */
@Injectable()
export class YamlCompiler implements OnApplicationShutdown {
  private readonly children = new ChildCompiler({
    program: entryFile('pipelines/compile-child'),
    timeoutMs: childTimeoutMs,
  });

  onApplicationShutdown(): void {
    this.children.close();
  }

  /** @throws UnprocessableError when the YAML is too complex, ServiceUnavailableError when too many are being read */
  async compile(yaml: string): Promise<CompiledYaml> {
    if (!this.children.warm && yaml.length <= inProcessLimit) {
      this.children.warmUp();
      return compileSource(yaml);
    }
    return this.children.compile(yaml);
  }
}
