import type { ConfigValues } from './config-variables.js';

const Values = Object as unknown as new () => ConfigValues;

/**
 * The validated configuration of this process, one property for each row of `configVariables`. It is frozen and it is
 * the injection token: `constructor(private readonly config: MillraceConfig)`.
 */
export class MillraceConfig extends Values {
  constructor(values: ConfigValues) {
    super();
    for (const [key, value] of Object.entries(values)) {
      Object.assign(this, { [key]: Array.isArray(value) ? Object.freeze([...value]) : value });
    }
    Object.freeze(this);
  }
}
