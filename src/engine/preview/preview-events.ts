/** Events that a dry run may ask for. */
export const PREVIEW_EVENTS = [
  'manual',
  'cli',
  'push',
  'pull_request',
  'tag',
  'schedule',
  'webhook',
] as const;
