import { readValue } from '../yaml/read-value.fixture.js';
import { reports } from './report-settings.js';

describe('reports of a step', () => {
  it.each<[string, string[]]>([
    ['{ junit: "junit/*.xml" }', ['junit/*.xml']],
    ['{ junit: ["**/TEST-*.xml", "!old"] }', ['**/TEST-*.xml', '!old']],
    ['{ junit: ["!old", a], x-note: mine }', ['!old', 'a']],
  ])('%s', (text, junit) => {
    expect(readValue(reports, text)).toMatchObject({ value: { junit }, problems: [] });
  });

  it.each<[string, string[]]>([
    ['junit.xml', ['1:1 wrong_type']],
    ['{}', ['1:1 missing_key']],
    ['{ xunit: a.xml }', ['1:3 unknown_key xunit', '1:1 missing_key']],
    ['{ junit: [] }', ['1:10 empty_list junit']],
    ['{ junit: ["!old"] }', ['1:10 invalid_path junit']],
    ['{ junit: "!old" }', ['1:10 invalid_path junit']],
    [
      '{ junit: [a, /etc/*, ../b, ~/c, "${{ env.D }}", [d]] }',
      [
        '1:14 invalid_path junit[1]',
        '1:22 invalid_path junit[2]',
        '1:28 invalid_path junit[3]',
        '1:33 invalid_path junit[4]',
        '1:49 wrong_type junit[5]',
      ],
    ],
    ['{ junit: ["!old", ../b] }', ['1:19 invalid_path junit[1]']],
    ['{ junit: "a\\tb" }', ['1:10 invalid_character junit']],
  ])('refuses %s', (text, problems) => {
    expect(readValue(reports, text).problems).toEqual(problems);
  });

  it('says what is wrong with a glob, and what to write', () => {
    expect(readValue(reports, '{ junit: ../x }').messages).toEqual([
      '"../x" is no glob: It leads out by "..". Write it relative to the workspace: dist/**/*.js',
    ]);
    expect(readValue(reports, '{ xunit: a, junit: b }').messages).toEqual([
      'Reports has no key "xunit". Write junit, if the tool writes that; others are not read',
    ]);
  });
});
