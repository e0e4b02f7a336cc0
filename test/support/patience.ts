/**
 * A spec that runs whole processes or real services waits for a machine that may be loaded. This
 * limit only ends a spec that hangs; one that needs longer says so itself.
 */
const HANGS_AFTER_MS = 120_000;

jest.setTimeout(HANGS_AFTER_MS);
