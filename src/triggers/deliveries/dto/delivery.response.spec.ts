import { decisionsOf } from './delivery.response.js';

it('decisions of versions that kept no parts have none', () => {
  const reason = { code: 'x', message: 'y' };
  const older = [{ pipeline_name: 'shop', rules: [{ event: 'push', matches: true, reason }] }];
  expect(decisionsOf({ decisions: JSON.stringify(older) })).toEqual([
    {
      pipeline_name: 'shop',
      parts: [],
      rules: [{ event: 'push', matches: true, reason, parts: [] }],
    },
  ]);
});
