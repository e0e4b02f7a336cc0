import { RUN_STATUSES } from '../../engine/plan/run-status.js';
import { type BadgeState, drawBadge } from './badge.js';

describe('drawBadge', () => {
  it.each([
    ['success', 'passing'],
    ['failed', 'failed'],
    ['timeout', 'timed out'],
    ['running', 'running'],
    ['cancelled', 'cancelled'],
    ['no_runs', 'no runs'],
    ['unknown', 'unknown'],
  ] as [BadgeState, string][])('%s reads %s', (state, text) => {
    const { svg } = drawBadge('build', state);
    expect(svg).toContain(`<title>build: ${text}</title>`);
    expect(svg).toContain(`>${text}</text>`);
  });

  it('has a tag of its own for each text', () => {
    const tags = RUN_STATUSES.map((status) => drawBadge('build', status).tag);
    expect(new Set(tags).size).toBe(RUN_STATUSES.length);
    expect(drawBadge('build', 'success').tag).toBe(drawBadge('build', 'success').tag);
    expect(drawBadge('deploy', 'success').tag).not.toBe(drawBadge('build', 'success').tag);
    expect(tags[0]).toMatch(/^"[\w-]{22}"$/);
  });

  it('lets no label become markup', () => {
    const { svg } = drawBadge(
      `</title><script>alert(1)</script> " onload='x' & \u0000\u001b[31m\ud800`,
      'success',
    );
    expect(svg).toContain(
      '&lt;script&gt;alert(1)&lt;/script&gt; &quot; onload=&#39;x&#39; &amp; [31m',
    );
    expect(svg.match(/<\/?[a-z]+/g)).toEqual(
      '<svg <title </title <rect <rect <g <text </text <text </text </g </svg'.split(' '),
    );

    expect(svg).not.toMatch(/[\u0000-\u0009\u000b-\u001f]|\p{Surrogate}/u);
  });

  it('has neither script nor style', () => {
    expect(drawBadge('build', 'failed').svg).not.toMatch(/style|script|href|url\(/);
  });
});
