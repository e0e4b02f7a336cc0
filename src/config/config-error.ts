import type { ConfigProblem } from './config-problem.js';

/** Thrown at start; its message names every bad variable, one a line. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ name, message }) => `  ${name} ${message}`);
    super(`The configuration is not usable:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
  }
}
