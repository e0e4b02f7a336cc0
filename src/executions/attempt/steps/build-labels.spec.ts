import { buildLabels } from './build-labels.js';

const NOW = new Date('2026-01-02T03:04:05Z');

describe('buildLabels', () => {
  it('tells where an image came from, where that is known', () => {
    const environment = { CI_COMMIT: 'abc', CI_REPOSITORY_URL: 'https://g.example/x' };
    expect([...buildLabels({}, environment, {}, NOW)]).toEqual([
      ['org.opencontainers.image.created', '2026-01-02T03:04:05.000Z'],
      ['org.opencontainers.image.revision', 'abc'],
      ['org.opencontainers.image.source', 'https://g.example/x'],
    ]);
    expect(buildLabels({}, { CI_COMMIT: '' }, {}, NOW).size).toBe(1);
  });

  it('lets the step say otherwise, but not of what is ours', () => {
    const labels = { 'org.opencontainers.image.created': 'once', 'millrace.built-in': 'theirs' };
    const made = buildLabels({ labels }, {}, { 'millrace.built-in': 'ours' }, NOW);
    expect(Object.fromEntries(made)).toEqual({
      'org.opencontainers.image.created': 'once',
      'millrace.built-in': 'ours',
    });
  });
});
