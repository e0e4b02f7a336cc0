import type { ConfigValues } from './config-variables.js';

const Values = Object as unknown as new () => ConfigValues;

/**
 * The validated configuration of this process, one property for each row of `configVariables`. It
 * is frozen and it is the injection token: `constructor(private readonly config: MillraceConfig)`.
 */
export class MillraceConfig extends Values {
  constructor(values: ConfigValues) {
    super();
    const entries = Object.entries<unknown>(values);
    for (const [, value] of entries) if (Array.isArray(value)) Object.freeze(value);
    Object.assign(this, Object.fromEntries(entries));
    Object.freeze(this);
  }
}
