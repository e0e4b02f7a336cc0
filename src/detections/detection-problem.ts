import { type ErrorKind } from '../common/errors/error-kind.js';
import { MillraceError } from '../common/errors/millrace.error.js';

/** Why a project cannot be detected. */
export const DETECTION_PROBLEMS = [
  'no_such_folder',
  'too_many_names',
  'too_complex',
  'git_invalid_request',
  'git_authentication_failed',
  'git_repository_not_found',
  'git_ref_not_found',
  'git_unreachable',
  'git_address_refused',
  'git_timeout',
  'git_too_large',
  'git_aborted',
  'git_failed',
  'credential_unreadable',
  'failed',
] as const;
export type DetectionProblemCode = (typeof DETECTION_PROBLEMS)[number];

export interface DetectionProblem {
  readonly code: DetectionProblemCode;
  /** A sentence for whoever asked; it holds no credentials. */
  readonly message: string;
}

export function detectionProblem(
  code: DetectionProblemCode,
  message: string,
): { readonly kind: 'problem'; readonly problem: DetectionProblem } {
  return { kind: 'problem', problem: { code, message } };
}

interface Answer {
  readonly kind: ErrorKind;
  readonly suggestion: string;
}

const CHOOSE_PATH = 'Name the folder of the project as `path`.';
const PRIVATE =
  'If it is private, have it connected with a token: `./millrace repositories connect URL` (POST /api/repositories).';

const ANSWERS: Readonly<Record<DetectionProblemCode, Answer>> = {
  no_such_folder: {
    kind: 'UnprocessableError',
    suggestion: 'Name a folder below the top of the project, such as `apps/web`, or no `path`.',
  },
  too_many_names: { kind: 'UnprocessableError', suggestion: CHOOSE_PATH },
  too_complex: { kind: 'UnprocessableError', suggestion: CHOOSE_PATH },
  git_invalid_request: {
    kind: 'UnprocessableError',
    suggestion: 'Check the address, the branch, the tag and the commit.',
  },
  git_authentication_failed: { kind: 'UnprocessableError', suggestion: PRIVATE },
  git_repository_not_found: {
    kind: 'UnprocessableError',
    suggestion: `Check the address. ${PRIVATE}`,
  },
  git_ref_not_found: {
    kind: 'UnprocessableError',
    suggestion: 'Check the name of the branch, the tag or the commit.',
  },
  git_unreachable: {
    kind: 'ExternalServiceError',
    suggestion: 'Check that the server of the repository can be reached from the workers.',
  },
  git_address_refused: {
    kind: 'UnprocessableError',
    suggestion: 'Have the address allowed by ALLOW_PRIVATE_URLS, if it is yours.',
  },
  git_timeout: {
    kind: 'TimeoutError',
    suggestion:
      'Ask again in a minute, or send the files: `./millrace detect FOLDER` where they are, or POST /api/detect/upload.',
  },
  git_too_large: {
    kind: 'UnprocessableError',
    suggestion:
      'Send the files that matter: `./millrace detect FOLDER` where they are, or POST /api/detect/upload.',
  },
  git_aborted: { kind: 'ServiceUnavailableError', suggestion: 'The worker stops: ask again.' },
  git_failed: {
    kind: 'ExternalServiceError',
    suggestion: 'Check that the repository can be cloned by git, then ask again.',
  },
  credential_unreadable: {
    kind: 'ServiceUnavailableError',
    suggestion: 'Put the encryption key into ENCRYPTION_KEYS, or connect the repository again.',
  },
  failed: {
    kind: 'InternalError',
    suggestion: 'Ask again; if it fails again, the log of the server says why.',
  },
};

/** Which HTTP statuses problems may have is documented at the routes. */
export function problemError({ code, message }: DetectionProblem): MillraceError {
  const { kind, suggestion } = ANSWERS[code];
  return new MillraceError(kind, message, {
    details: { code },
    suggestions: [suggestion],
    ...(kind === 'ServiceUnavailableError' && { retryAfterSeconds: 5 }),
  });
}
