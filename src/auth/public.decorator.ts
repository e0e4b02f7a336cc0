import { SetMetadata } from '@nestjs/common';
import type { ConfigValues } from '../config/config-variables.js';

export const publicKey = 'millrace:public';

/** The route needs no token. Only for health, documentation and, later, log-in and signed webhooks. */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata(publicKey, true);
}

export const publicIfKey = 'millrace:public-if';

/** Variables of the configuration that open routes. */
export type OpeningVariable = {
  [K in keyof ConfigValues]: ConfigValues[K] extends boolean ? K : never;
}[keyof ConfigValues];

/** The route needs no token where the operator said so by this variable. */
export function PublicIf(variable: OpeningVariable): MethodDecorator & ClassDecorator {
  return SetMetadata(publicIfKey, variable);
}
