import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { unprocessable } from '../../common/errors/millrace.error.js';
import { repositorySupport, type RepositorySupport } from '../../common/values/repository-url.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { entryFile } from '../../config/paths.js';
import { ChildCompiler } from './child-compiler.js';
import { dryRunMessage, MAX_MESSAGE_BYTES } from './child-message.js';
import { compileSource } from './compile-source.js';
import type { CompiledYaml } from './compiled-yaml.js';
import { dryRun, type DryRun, type DryRunRequest } from './dry-run.js';

/**
 * The first text after a while, when no process is there yet, is compiled in this one if it has at
 * most so many characters: the worst of them takes some 50 ms. All others go to a process, because
 * a hundred such texts at once would hold up every other request for seconds.
 */
const IN_PROCESS_LIMIT = 2 * 1024;
const CHILD_TIMEOUT_MS = 5_000;

/** Compiles YAML of untrusted users where it can harm nobody else. */
@Injectable()
export class YamlCompiler implements OnApplicationShutdown {
  private readonly children: ChildCompiler;
  private readonly repositories: RepositorySupport;

  constructor(config: MillraceConfig) {
    this.repositories = repositorySupport(config);
    this.children = new ChildCompiler({
      program: entryFile('compile-child'),
      timeoutMs: CHILD_TIMEOUT_MS,
      repositories: this.repositories,
    });
  }

  onApplicationShutdown(): void {
    this.children.close();
  }

  /**
   * @throws UnprocessableError when the YAML is too complex, ServiceUnavailableError when too many
   *   are being read
   */
  async compile(yaml: string): Promise<CompiledYaml> {
    if (!this.children.warm && yaml.length <= IN_PROCESS_LIMIT) {
      this.children.warmUp();
      return compileSource(yaml, this.repositories);
    }
    return this.children.compile(yaml);
  }

  /**
   * Compiles where there is YAML, and looks at what the trigger would do. The values of the trigger
   * count as the text does, because conditions search them.
   * @throws as `compile`; UnprocessableError also when pipeline and trigger have over 4 MiB
   *   together
   */
  async dryRun(request: DryRunRequest): Promise<DryRun> {
    const size = dryRunMessage(request).length;
    if (size > MAX_MESSAGE_BYTES) {
      throw unprocessable('The pipeline and its trigger are too large together.', {
        details: { limit_bytes: MAX_MESSAGE_BYTES },
        suggestions: ['Send a smaller environment or fewer inputs.'],
      });
    }
    if (!this.children.warm && size <= IN_PROCESS_LIMIT) {
      this.children.warmUp();
      return dryRun(request, this.repositories);
    }
    return this.children.dryRun(request);
  }
}
