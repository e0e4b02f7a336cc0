import pino, { type DestinationStream, type Logger } from 'pino';

/**
 * Where a secret could stand in what is logged; the last resort, as nothing logs headers or bodies.
 */
const REDACTED = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.token',
  '*.secret',
  'req.headers.authorization',
  'req.headers.cookie',
];

export interface RootLoggerOptions {
  readonly level: string;
  /** `api`, `worker`, …: in every line. */
  readonly role: string;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/** The logger of a process: JSON lines with ISO times, `role` and `pid`. */
export function createRootLogger(options: RootLoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { pid: process.pid, role: options.role },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
      redact: { paths: REDACTED, censor: '********' },
    },
    options.destination ?? pino.destination({ dest: 1, sync: false }),
  );
}
