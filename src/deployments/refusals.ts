import { conflict, type MillraceError } from '../common/errors/millrace.error.js';

/** 409: nothing of it can be changed any more. */
export function deploymentOver(): MillraceError {
  return conflict('The deployment is over.');
}

/** 409 */
export function noEarlierRelease(serviceId: string): MillraceError {
  return conflict(`No release of ${serviceId} that served before the present one is kept.`, {
    suggestions: ['Deploy an earlier commit, or name a release that is kept.'],
  });
}

/** 409 */
export function inItAlready(environment: string): MillraceError {
  return conflict(`It is in ${environment} already.`, { suggestions: ['Name another one.'] });
}

/** 409 */
export function hasSwitched(): MillraceError {
  return conflict('The deployment has switched: what serves now is not taken back.', {
    suggestions: ['Roll back'],
  });
}
