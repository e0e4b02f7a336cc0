import { SetMetadata } from '@nestjs/common';

export const publicKey = 'millrace:public';

/** The route needs no token. Only for health, documentation and, later, log-in and signed webhooks. */
export function Public(): MethodDecorator & ClassDecorator {
  return SetMetadata(publicKey, true);
}
