import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

/** Codes of failures that a later try may not have. */
const PASSING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'TimeoutError',
]);

/** Errors of ours, which have a name in place of a code. */
const NAMED: ReadonlySet<string> = new Set(['TimeoutError', 'AnswerTooLongError']);

const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** No answer came: why, and whether another try makes sense. */
export class ConnectionProblem extends CommandError {
  constructor(
    message: string,
    suggestion: string,
    readonly passing: boolean,
    /** The server never saw the request. */
    readonly unsent: boolean,
  ) {
    super(message, exitCodes.unreachable, [suggestion]);
    this.name = 'ConnectionProblem';
  }
}

/** What `exchange` threw, in words. */
export function connectionProblem(error: unknown, url: string): ConnectionProblem {
  const { host, hostname } = new URL(url);
  const code = codeOf(error);
  const make = (message: string, suggestion: string): ConnectionProblem =>
    new ConnectionProblem(message, suggestion, PASSING.has(code), code === 'ECONNREFUSED');
  if (UNTRUSTED.has(code)) {
    return make(
      `The certificate of ${host} is signed by nobody that this machine trusts.`,
      'When the CA is your own, set NODE_EXTRA_CA_CERTS to its PEM file.',
    );
  }
  switch (code) {
    case 'ECONNREFUSED':
      return make(
        `Nothing answers at ${url} (connection refused).`,
        'Start a server here by ./millrace start, or name another: --server URL, ./millrace login URL.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return make(`The name ${hostname} leads nowhere.`, 'Check the address of the server.');
    case 'CERT_HAS_EXPIRED':
      return make(`The certificate of ${host} has expired.`, 'Tell who runs the server.');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return make(
        `The certificate of ${host} is for another name.`,
        'Use the name that the certificate is for.',
      );
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return make(`${host} does not speak TLS on this port.`, 'Is the address one of http://?');
    case 'AnswerTooLongError':
      return make(
        `${url} does not end its answer.`,
        'Check the address, and the proxy before the server.',
      );
    case 'TimeoutError':
      return make(
        `${url} did not answer in time.`,
        'Try again; if it stays so, the log of the server says more.',
      );
    default:
      if (code.startsWith('HPE_')) {
        return make(
          `${host} does not speak HTTP on this port.`,
          'Check the address of the server.',
        );
      }
      return make(
        `The connection to ${url} failed (${code}).`,
        'Check the address and that the server runs.',
      );
  }
}

/** The system's code where there is one; it may be hidden in a `cause`. */
function codeOf(error: unknown): string {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code } = each as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
    if (NAMED.has(each.name)) return each.name;
    if (!(each.cause instanceof Error)) return each.message;
  }
  return String(error);
}
