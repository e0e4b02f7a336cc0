import { validationError } from '../common/errors/millrace.error.js';
import {
  REDACTED,
  repositorySupport,
  repositoryUrlProblem,
  sayUrl,
} from '../common/values/repository-url.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import type { DetectRepositoryDto } from './dto/detect.dto.js';
import type { RepositoryRequest } from './repository-job.js';

/**
 * What the body of a request asks for.
 * @param connectedUrl clone URL of a connected repository; rejects when there is none
 * @throws ValidationError, which holds nothing of the URL
 */
export async function askedRepository(
  { repository, repository_id: id, ...body }: DetectRepositoryDto,
  config: Pick<MillraceConfig, 'gitClient'>,
  connectedUrl: (id: string) => Promise<string>,
): Promise<RepositoryRequest> {
  if ((repository === undefined) === (id === undefined)) {
    throw validationError('Exactly one of repository and repository_id says what to detect.', {
      suggestions: ['Send `repository` with a URL, or `repository_id` of a connected one.'],
    });
  }
  const { branch, tag, commit, path, type } = body;
  if (branch !== undefined && tag !== undefined) {
    throw validationError('A request names a branch or a tag, not both.', {
      suggestions: ['Leave one of them out; commit may come with either.'],
    });
  }
  const url = id === undefined ? plainUrl(repository ?? '', config) : await connectedUrl(id);
  return {
    url,
    ...(branch !== undefined && { branch }),
    ...(tag !== undefined && { tag }),
    ...(commit !== undefined && { commit: commit.toLowerCase() }),
    ...(path !== undefined && { path }),
    ...(type !== undefined && { type }),
  };
}

/** A URL that can be cloned and holds nothing secret, since the request passes through Redis. */
function plainUrl(url: string, config: Pick<MillraceConfig, 'gitClient'>): string {
  const problem = repositoryUrlProblem(url.replaceAll('${{', '$'), repositorySupport(config));
  if (problem !== undefined) {
    throw refused('url', problem.message, `${problem.suggestion}.`);
  }
  if (sayUrl(url).includes(REDACTED)) {
    throw refused(
      'credentials',
      'The URL holds credentials, which are not taken here.',
      'Leave them out, and have the repository connected with a token: ./millrace repositories connect URL',
    );
  }
  return url;
}

function refused(code: string, message: string, suggestion: string): Error {
  return validationError('The repository cannot be cloned from.', {
    details: [{ path: 'repository', code, message }],
    suggestions: [suggestion],
  });
}
