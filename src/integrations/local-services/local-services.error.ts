export const LOCAL_SERVICES_ERROR_CODES = [
  'bad_spec',
  'other_spec',
  'processes_survived',
  'unavailable',
  'failed',
] as const;
export type LocalServicesErrorCode = (typeof LOCAL_SERVICES_ERROR_CODES)[number];

/** Why a call of `LocalServices` was not done; the message holds no value of an environment. */
export class LocalServicesError extends Error {
  override readonly name = 'LocalServicesError';

  constructor(
    readonly code: LocalServicesErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
