import { redactUrls } from '../../common/values/redact-urls.js';
import type { PipelineDefinition } from '../definition/definition.js';
import { formatPath, MAX_PROBLEMS, type Problem, type YamlPath } from '../yaml/problem.js';

/** Collects what the compiler finds, with lines and columns of the definition's text. */
export class ProblemSink {
  readonly problems: Problem[] = [];

  constructor(private readonly definition: PipelineDefinition) {}

  error(code: string, message: string, place: Place, suggestion?: string): void {
    this.add('error', code, message, place, suggestion);
  }

  warn(code: string, message: string, place: Place, suggestion?: string): void {
    this.add('warning', code, message, place, suggestion);
  }

  private add(
    severity: Problem['severity'],
    code: string,
    message: string,
    { path, offset }: Place,
    suggestion?: string,
  ): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const { line, column } = this.definition.source.position(offset);
    const hint = suggestion === undefined ? {} : { suggestion: redactUrls(suggestion) };
    const said = { path: formatPath(path), line, column, severity, code };
    this.problems.push({ ...said, message: redactUrls(message), ...hint });
  }
}

interface Place {
  readonly path: YamlPath;
  readonly offset: number;
}
