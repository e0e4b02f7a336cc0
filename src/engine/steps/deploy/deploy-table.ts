import { flag, integer } from '../../yaml/value-readers.js';
import { deploymentType } from './deployment-type.js';
import { keyHabits, nameReader, releaseKeys, serviceName } from './release-keys.js';
import { partsReader } from './unit-parts.js';

const MOST_KEPT = 100;

/** Keys of `deploy`. */
export const deployTable = {
  name: 'deploy',
  fields: {
    type: deploymentType,
    service: serviceName,
    environment: nameReader('the name of an environment'),
    keep: integer(1, MOST_KEPT),
    allow_older: flag(),
    ...releaseKeys,
    parts: partsReader,
  },
  required: ['type', 'service'],
  habits: { ...keyHabits, services: 'Write parts', components: 'Write parts' },
} as const;
