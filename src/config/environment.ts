import { closeSync, readFileSync } from 'node:fs';

/** Names to values, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

const DESCRIPTOR_VARIABLE = 'MILLRACE_ENV_FD';
let fromDescriptor: Environment | undefined;

/**
 * The environment that the configuration is read from: that of the process and, over it, what is in
 * the file descriptor `MILLRACE_ENV_FD`. A process of the same user can read `/proc/PID/environ`,
 * so secrets come over the descriptor (architecture, "Who a step is"). It is read once and closed;
 * later calls get the same answer.
 */
export function readEnvironment(): Environment {
  const descriptor = process.env[DESCRIPTOR_VARIABLE];
  if (descriptor !== undefined) {
    delete process.env[DESCRIPTOR_VARIABLE];
    fromDescriptor = readDescriptor(descriptor);
  }
  return { ...process.env, ...fromDescriptor };
}

function readDescriptor(text: string): Environment {
  const descriptor = Number(text);
  if (!/^\d+$/.test(text)) {
    throw new Error(`${DESCRIPTOR_VARIABLE} must be the number of an open file descriptor`);
  }
  try {
    return decodeEnvironment(readFileSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
}

/** Reads `NAME=value` pieces that end with NUL, the format of `env -0`. */
export function decodeEnvironment(bytes: Buffer): Environment {
  const entries = bytes
    .toString('utf8')
    .split('\0')
    .filter((piece) => piece !== '')
    .map((piece): [string, string] => {
      const cut = piece.indexOf('=');
      if (cut < 1) throw new Error(`${DESCRIPTOR_VARIABLE} holds a piece that is not NAME=value`);
      return [piece.slice(0, cut), piece.slice(cut + 1)];
    });
  return Object.fromEntries(entries);
}

/** The bytes that `decodeEnvironment` reads; absent values are left out. */
export function encodeEnvironment(environment: Environment): Buffer {
  const pieces = Object.entries(environment)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}\0`);
  return Buffer.from(pieces.join(''), 'utf8');
}
