const { options } = require('./.dependency-cruiser.cjs');

/**
 * A folder is a room: of two rooms, at most one imports the other. Specs are left out: they may
 * look into any room.
 */
module.exports = {
  forbidden: [
    {
      name: 'no-circular-rooms',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
  ],
  options: { ...options, exclude: { path: ['\\.(spec|fixture)\\.ts$'] } },
};
