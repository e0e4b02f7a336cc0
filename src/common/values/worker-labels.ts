/**
 * Workers with a container engine offer this label by themselves, and plans with steps in
 * containers ask for it.
 */
export const CONTAINERS_LABEL = 'containers';
