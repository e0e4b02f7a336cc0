import type { RetryOptions } from '../../integrations/database/database-retry.js';

/** How long a request keeps trying while the database is away, before it is answered by 503. */
export const requestRetry: RetryOptions = { deadlineMs: 3_000 };
