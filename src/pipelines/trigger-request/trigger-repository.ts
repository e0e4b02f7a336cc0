import { validationError } from '../../common/errors/millrace.error.js';
import { repositorySupport, repositoryUrlProblem } from '../../common/values/repository-url.js';
import type { MillraceConfig } from '../../config/millrace-config.js';

/**
 * The repository that a trigger names, when it can be cloned from.
 * @throws ValidationError, which holds nothing of the URL
 */
export function triggerRepository(
  url: string | undefined,
  config: Pick<MillraceConfig, 'gitClient'>,
): string | undefined {
  if (url === undefined) return undefined;
  // A trigger's texts are no templates: `${{` is as wrong in a URL as any other brace.
  const problem = repositoryUrlProblem(url.replaceAll('${{', '$'), repositorySupport(config));
  if (problem === undefined) return url;
  throw validationError('The repository of the trigger cannot be cloned from.', {
    details: [{ path: 'repository', code: 'url', message: problem.message }],
    suggestions: [`${problem.suggestion}.`],
  });
}
