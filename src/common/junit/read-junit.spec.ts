import { setTimeout as wait } from 'node:timers/promises';
import { MaskSet } from '../redaction/mask-set.js';
import { JUnitError } from './junit-error.js';
import { JUNIT_LIMITS, type JUnitLimits } from './junit-limits.js';
import { readJUnit } from './read-junit.js';
import { parseSeconds } from './seconds.js';
import type { TestCase } from './test-case.js';
import { XmlText } from './xml-text.js';

const NO_MASKS = MaskSet.from([]);

/** In pieces of a few bytes, so that nothing depends on where a piece ends. */
async function* piecesOf(bytes: Buffer, size = 7): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
const read = (xml: string | Buffer, change: Partial<JUnitLimits> = {}) =>
  readJUnit(piecesOf(Buffer.from(xml)), NO_MASKS, { ...JUNIT_LIMITS, ...change });
const refusal = async (xml: string | Buffer, change?: Partial<JUnitLimits>) => {
  const error = await read(xml, change).then(
    () => new Error('It was taken.'),
    (thrown: Error) => thrown,
  );
  if (!(error instanceof JUnitError)) throw error;
  return error;
};
/** `Class name: failed passed` */
const lines = (cases: readonly TestCase[]): string[] =>
  cases.map(({ className, name, tries }) => {
    const outcomes = tries.map(({ outcome }) => outcome).join(' ');
    return `${className} ${name}: ${outcomes}`;
  });

describe('reading a JUnit report', () => {
  it('of Surefire, with cases that were run again', async () => {
    const cases = await read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="3.0" name="com.acme.ShopTest"
    time="1,234.567" tests="99" errors="0" skipped="0" failures="0" flakes="1">
  <properties><property name="java.version" value="21"/></properties>
  <testcase name="adds" classname="com.acme.ShopTest" time="0.012"/>
  <testcase name="fails" classname="com.acme.ShopTest" time="1,234.5">
    <failure message="expected:&lt;1&gt; but was:&lt;2&gt;" type="AssertionError"><![CDATA[AssertionError: expected
	at com.acme.ShopTest.fails(ShopTest.java:12)
]]></failure>
    <rerunFailure message="again" type="AssertionError">
      <stackTrace><![CDATA[second stack]]></stackTrace>
      <system-out><![CDATA[printed]]></system-out>
    </rerunFailure>
    <rerunError type="NullPointerException"><stackTrace>third</stackTrace></rerunError>
    <system-out><![CDATA[much]]></system-out>
  </testcase>
  <testcase name="flakes" classname="com.acme.ShopTest" time="0.5">
    <flakyFailure message="once" type="AssertionError"><stackTrace>first &amp; only</stackTrace></flakyFailure>
    <flakyError message="twice" type="IOException"/>
  </testcase>
  <testcase name="later" classname="com.acme.ShopTest" time="0"><skipped message="not yet"/></testcase>
  <testcase name="breaks" classname="com.acme.ShopTest"><error type="java.lang.Error">stack</error></testcase>
</testsuite>`);
    expect(lines(cases)).toEqual([
      'com.acme.ShopTest adds: passed',
      'com.acme.ShopTest fails: failed failed error',
      'com.acme.ShopTest flakes: failed error passed',
      'com.acme.ShopTest later: skipped',
      'com.acme.ShopTest breaks: error',
    ]);
    expect(cases[1]).toEqual({
      suite: 'com.acme.ShopTest',
      className: 'com.acme.ShopTest',
      name: 'fails',
      seconds: 1234.5,
      tries: [
        {
          outcome: 'failed',
          message: 'expected:<1> but was:<2>',
          type: 'AssertionError',
          text: 'AssertionError: expected\n\tat com.acme.ShopTest.fails(ShopTest.java:12)',
        },
        { outcome: 'failed', message: 'again', type: 'AssertionError', text: 'second stack' },
        { outcome: 'error', type: 'NullPointerException', text: 'third' },
      ],
    });
    expect(cases[2]?.tries[0]?.text).toBe('first & only');
    expect(cases[3]?.tries[0]).toEqual({ outcome: 'skipped', message: 'not yet' });
    expect(cases[4]?.seconds).toBeUndefined();
  });

  it('of pytest', async () => {
    const cases = await read(`<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
<testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.113" timestamp="2024-05-01T10:00:00.1+00:00" hostname="h">
<testcase classname="tests.test_a.TestA" name="test_ok[1-x]" time="0.001" />
<testcase classname="tests.test_a" name="test_bad" file="tests/test_a.py" line="3" time="1e-05"><failure message="assert 1 == 2">def test_bad():
&gt;       assert 1 == 2
E       assert 1 == 2</failure></testcase>
<testcase classname="tests.test_a" name="test_xfail" time="0.000"><skipped type="pytest.xfail" message="" /></testcase>
<testcase classname="tests.test_a" name="test_both" time="0.2"><failure message="f">first</failure><error message="teardown">second</error></testcase>
</testsuite></testsuites>`);
    expect(lines(cases)).toEqual([
      'tests.test_a.TestA test_ok[1-x]: passed',
      'tests.test_a test_bad: failed',
      'tests.test_a test_xfail: skipped',
      'tests.test_a test_both: failed',
    ]);
    expect(cases[1]).toMatchObject({ suite: 'pytest', file: 'tests/test_a.py', seconds: 0.00001 });
    expect(cases[2]?.tries[0]).toEqual({ outcome: 'skipped', type: 'pytest.xfail' });
  });

  it('of jest-junit, mocha-junit-reporter and PHPUnit, with suites at any depth', async () => {
    const jest = await read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="2" failures="1" errors="0" time="2.3">
  <testsuite name="sums" errors="0" failures="1" skipped="0" timestamp="2024" time="1.1" tests="2" file="src/sum.test.ts">
    <testcase classname="sums adds" name="sums adds" time="0.004"></testcase>
    <testcase classname="sums fails" name="sums fails" time="0.1"><failure>Error: expect(received)
    at Object.&lt;anonymous&gt; (src/sum.test.ts:9:5)</failure></testcase>
  </testsuite></testsuites>`);
    expect(lines(jest)).toEqual(['sums adds sums adds: passed', 'sums fails sums fails: failed']);
    expect(jest[0]?.file).toBe('src/sum.test.ts');
    const mocha = await read(`<testsuites name="Mocha Tests" time="0.01" tests="2" failures="0">
  <testsuite name="Root Suite" timestamp="x" tests="0" file="/app/test/a.js" time="0.000" failures="0"></testsuite>
  <testsuite name="list" tests="2" time="0"><testcase name="list has" time="0.0010" classname="has"></testcase>
  <testcase name="list waits" time="0" classname="waits"><skipped/></testcase></testsuite></testsuites>`);
    expect(lines(mocha)).toEqual(['has list has: passed', 'waits list waits: skipped']);
    expect(mocha[0]).toMatchObject({ suite: 'list' });
    const phpunit = await read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites><testsuite name="/app/phpunit.xml" tests="0" assertions="0" errors="7" failures="7" time="0.1">
 <testsuite name="unit" tests="3"><testsuite name="App\\MoneyTest" file="/app/tests/MoneyTest.php" tests="3">
  <testcase name="testAdds" file="/app/tests/MoneyTest.php" line="9" class="App\\MoneyTest" classname="App.MoneyTest" assertions="1" time="0.005"/>
  <testsuite name="App\\MoneyTest::testRows" tests="1">
   <testcase name="testRows with data set #0" class="App\\MoneyTest" time="0.001"><error type="TypeError">TypeError: x</error></testcase>
  </testsuite></testsuite></testsuite></testsuite></testsuites>`);
    expect(lines(phpunit)).toEqual([
      'App.MoneyTest testAdds: passed',
      'App\\MoneyTest testRows with data set #0: error',
    ]);
    expect(phpunit.map(({ suite }) => suite)).toEqual([
      'App\\MoneyTest',
      'App\\MoneyTest::testRows',
    ]);
    expect(phpunit[1]?.file).toBe('/app/tests/MoneyTest.php');
  });

  it('of go-junit-report, gotestsum and Gradle', async () => {
    const go = await read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1">
	<testsuite name="acme/shop" tests="3" failures="1" errors="0" id="0" hostname="h" skipped="1" time="0.160" timestamp="2024-05-01T10:00:00Z">
		<properties><property name="go.version" value="go1.24"></property></properties>
		<testcase name="TestA" classname="acme/shop" time="0.060"></testcase>
		<testcase name="TestB/sub" classname="acme/shop" time="0.100"><failure message="Failed" type=""><![CDATA[    b_test.go:7: no]]]]><![CDATA[> end]]></failure></testcase>
		<testcase name="TestC" classname="acme/shop" time="0.000"><skipped message="c_test.go:3: later"></skipped></testcase>
		<testcase name="TestB/sub" classname="acme/shop" time="0.020"></testcase>
	</testsuite></testsuites>`);
    expect(lines(go)).toEqual([
      'acme/shop TestA: passed',
      'acme/shop TestB/sub: failed',
      'acme/shop TestC: skipped',
      'acme/shop TestB/sub: passed',
    ]);
    expect(go[1]?.tries[0]).toEqual({
      outcome: 'failed',
      message: 'Failed',
      text: 'b_test.go:7: no]]> end',
    });
    const gradle = await read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="acme.LibTest" tests="1" skipped="0" failures="1" errors="0" timestamp="2024-05-01T10:00:00" hostname="h" time="0.02">
  <properties/>
  <testcase name="works()" classname="acme.LibTest" time="0.01">
    <failure message="org.opentest4j.AssertionFailedError: no" type="org.opentest4j.AssertionFailedError">org.opentest4j.AssertionFailedError: no
	at app//acme.LibTest.works(LibTest.java:8)
</failure>
  </testcase>
  <system-out><![CDATA[<testcase name="printed"/>]]></system-out><system-err><![CDATA[]]></system-err>
</testsuite>`);
    expect(lines(gradle)).toEqual(['acme.LibTest works(): failed']);
  });

  it('of Node.js, which writes the colours of a failure as they are', async () => {
    const cases = await read(`<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testcase name="adds" time="0.001" classname="test" file="/w/a.test.js" failure="\u001b[31m1 !== 2\u001b[39m">
    <failure type="testCodeFailure" message="\u001b[31m1 !== 2\u001b[39m">
\u001b[32m+ actual\u001b[39m \u001b[31m- expected\u001b[39m &#27;[1mbell\u0007&#0;
    </failure>
  </testcase>
</testsuites>`);
    expect(cases[0]?.tries).toEqual([
      {
        outcome: 'failed',
        type: 'testCodeFailure',
        message: '1 !== 2',
        text: '+ actual - expected bell\ufffd\ufffd',
      },
    ]);
  });

  it('of CTest and GoogleTest, which say by attributes that a case was not run', async () => {
    const cases = await read(`<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Linux-c++" tests="5" failures="1" disabled="1" skipped="1" hostname="" time="1" timestamp="x">
	<testcase name="a" classname="a" time="0.0023" status="run"><system-out>ok</system-out></testcase>
	<testcase name="b" classname="b" time="0.001" status="fail"><failure message="Failed"/><system-out>no</system-out></testcase>
	<testcase name="c" classname="c" time="0" status="disabled"/>
	<testcase name="d" classname="d" time="0" status="notrun"><skipped message="Unable to find executable"/></testcase>
	<testcase name="e" classname="e" time="0" status="run" result="suppressed"/>
</testsuite>`);
    expect(lines(cases)).toEqual([
      'a a: passed',
      'b b: failed',
      'c c: skipped',
      'd d: skipped',
      'e e: skipped',
    ]);
  });

  it('knows where an element ends: suites in suites, and texts around others', async () => {
    const cases = await read(`<testsuites name="all"><testsuite name="outer" file="o">
  <testsuite name="inner" file="i"><testcase name="a"/></testsuite>
  <testcase name="b"><skipped/><failure>
    first <system-out>printed <stackTrace>much</stackTrace> more</system-out> <stackTrace>second</stackTrace> third
  </failure><properties><property>none</property></properties></testcase>
  <testsuite><testcase name="c"/></testsuite>
</testsuite><testcase name="d"/></testsuites>`);
    const suites = cases.map(({ name, suite, file }) => `${name} ${suite} ${file ?? ''}`);
    expect(suites).toEqual(['a inner i', 'b outer o', 'c outer o', 'd all ']);
    expect(cases[1]?.tries).toEqual([{ outcome: 'failed', text: 'first  second third' }]);
  });

  it.each([
    ['0.05', 0.05],
    ['1,234.5', 1234.5],
    ['1,234', 1234],
    ['1,234,567.8', 1_234_567.8],
    ['0,05', 0.05],
    ['12,5', 12.5],
    ['.5', 0.5],
    ['3.', 3],
    ['1e-05', 0.00001],
    [' 2 ', 2],
    ['', undefined],
    ['-1', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['1e300', undefined],
    ['1,2,3', undefined],
    ['9'.repeat(41), undefined],
    [undefined, undefined],
  ])('%j are %j seconds', (text, seconds) => {
    expect(parseSeconds(text)).toBe(seconds);
  });

  describe('of a stranger', () => {
    it('refuses a DOCTYPE, and entities that are not of XML', async () => {
      const laughs = `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>
<testsuite><testcase name="&b;"/></testsuite>`;
      expect((await refusal(laughs)).code).toBe('doctype');
      const external = '<!DOCTYPE testsuite SYSTEM "file:///etc/passwd"><testsuite/>';
      expect((await refusal(external)).code).toBe('doctype');
      expect((await refusal('<testsuite name="&passwd;"/>')).code).toBe('malformed');
      const [one] = await read(
        '<testsuite><testcase name="&lt;&amp;&quot;&apos;&gt;&#x41;"/></testsuite>',
      );
      expect(one?.name).toBe('<&"\'>A');
    });

    it('names are no keys: __proto__ and constructor are attributes like all others', async () => {
      const cases = await read(
        '<testsuite><testcase constructor="x" __proto__="y" name="n"/></testsuite>',
      );
      expect(cases).toEqual([
        { suite: '', className: '', name: 'n', tries: [{ outcome: 'passed' }] },
      ]);
    });

    it.each<[string, Partial<JUnitLimits>, string]>([
      [`<testsuite>${' '.repeat(1000)}</testsuite>`, { maxBytes: 1000 }, 'too_large'],
      [`<testsuite>${'<testcase/>'.repeat(4)}</testsuite>`, { maxCases: 3 }, 'too_many_cases'],
      [
        `<testsuite><testcase>${'<failure/>'.repeat(4)}</testcase></testsuite>`,
        { maxCases: 3 },
        'too_many_cases',
      ],
      [`${'<testsuite>'.repeat(101)}`, {}, 'too_deep'],
      [`<testsuite>${'<x>'.repeat(100)}`, {}, 'too_deep'],
      [`<!--${' '.repeat(100_000)}--><testsuite/>`, {}, 'not_junit'],
      [`<!DOCTYPE a [${' '.repeat(100_000)}`, {}, 'not_junit'],
      ['<html><testsuite/></html>', {}, 'not_junit'],
      ['<testsuite><testcase><testcase/></testcase></testsuite>', {}, 'not_junit'],
      ['<testsuite><testcase><testsuite/></testcase></testsuite>', {}, 'not_junit'],
      ['', {}, 'malformed'],
      ['{"tests": 1}', {}, 'malformed'],
      ['<testsuite>', {}, 'malformed'],
      ['<testsuite><testcase name="a"', {}, 'malformed'],
      ['<testsuite/><testsuite/>', {}, 'malformed'],
      ['<testsuite name="a" name="b"/>', {}, 'malformed'],
    ])('refuses what is wrong (%#)', async (xml, change, code) => {
      expect((await refusal(xml, change)).code).toBe(code);
    });

    it('says where it is wrong, and nothing of what is in it', async () => {
      const error = await refusal('<testsuite>\n  <testcase name="a"></testcas>\n</testsuite>');
      expect(error).toMatchObject({ code: 'malformed', place: { line: 2, column: 32 } });
      expect(error.message).toMatch(/^The report is no well-formed XML: /);
      expect((await refusal('<testsuite>\n<testcase name="')).place).toEqual({
        line: 2,
        column: 17,
      });
    });

    it('cuts texts, and leaves out those that are too much together', async () => {
      const failure = (length: number): string =>
        `<testcase><failure message="m">${'ä'.repeat(length)}</failure></testcase>`;
      const [short, long, after] = await read(
        `<testsuite>${failure(10)}${failure(11)}${failure(5)}</testsuite>`,
        { maxText: 10, maxTexts: 20 },
      );
      expect(short?.tries[0]?.text).toBe('ä'.repeat(10));
      expect(long?.tries[0]?.text).toBe(`${'ä'.repeat(9)}…`);
      expect(after?.tries[0]?.text).toBe('[left out: the report has too much text]');
      const long5 = 'x'.repeat(5 * 2 ** 20);
      const [huge] = await readJUnit(
        piecesOf(
          Buffer.from(
            `<testsuite><testcase name="${long5}"><failure>${long5}</failure></testcase></testsuite>`,
          ),
          2 ** 16,
        ),
        NO_MASKS,
      );
      expect(huge?.name).toBe('[left out: too long]');
      expect(huge?.tries[0]?.text).toBe('[left out: too long]');
      const [named] = await read(`<testsuite><testcase name="${'n'.repeat(2000)}"/></testsuite>`);
      expect(named?.name).toHaveLength(1000);
    });

    it('masks every text, and before it is cut', async () => {
      const secret = 'token-of-many-characters';
      const [one, ...more] = await readJUnit(
        piecesOf(
          Buffer.from(
            `<testsuite name="s ${secret}" file="f ${secret}">
<testcase name="n ${secret}" classname="c ${secret}"><failure
  message="m ${secret}" type="t ${secret}">${' '.repeat(99)}${'x'.repeat(30)}${secret} and more</failure></testcase>
<testcase name="${'n'.repeat(990)}${secret}" file="${'f'.repeat(990)}${secret}"/>
</testsuite>`,
          ),
        ),
        MaskSet.from([secret]),
        { ...JUNIT_LIMITS, maxText: 40 },
      );
      expect(one).toEqual({
        ...{ suite: 's ***', file: 'f ***', name: 'n ***', className: 'c ***' },
        tries: [
          { outcome: 'failed', message: 'm ***', type: 't ***', text: `${'x'.repeat(30)}***…` },
        ],
      });
      expect(more).toEqual([
        expect.objectContaining({ name: `${'n'.repeat(990)}***…`, file: `${'f'.repeat(990)}***…` }),
      ]);
    });

    it('masks what the parser says of a broken report', async () => {
      const broken = '<testsuite><token-of-many-characters>';
      const masks = MaskSet.from(['token-of-many-characters']);
      const reading = readJUnit(piecesOf(Buffer.from(broken)), masks);
      await expect(reading).rejects.toThrow(/unclosed tag: \*\*\*/);
    });
  });

  it.each<[string, Buffer]>([
    ['UTF-8', Buffer.from('<testsuite name="ä€"><testcase/></testsuite>')],
    ['UTF-8 with a mark', Buffer.from('\ufeff<testsuite name="ä€"><testcase/></testsuite>')],
    [
      'UTF-16 with a mark',
      Buffer.from(
        '\ufeff<?xml version="1.0" encoding="utf-16"?><testsuite name="ä€"><testcase/></testsuite>',
        'utf16le',
      ),
    ],
    [
      'UTF-16 without a mark',
      Buffer.from('<?xml version="1.0"?><testsuite name="ä€"><testcase/></testsuite>', 'utf16le'),
    ],
    [
      'UTF-16 without a mark, the other way round',
      Buffer.from(
        '<?xml version="1.0"?><testsuite name="ä€"><testcase/></testsuite>',
        'utf16le',
      ).swap16(),
    ],
    [
      'UTF-8 that says it is UTF-16',
      Buffer.from(
        '<?xml version="1.0" encoding="UTF-16"?><testsuite name="ä€"><testcase/></testsuite>',
      ),
    ],
    [
      'windows-1252',
      Buffer.from(
        '<?xml version="1.0" encoding="windows-1252"?><testsuite name="\xe4\x80"><testcase/></testsuite>',
        'latin1',
      ),
    ],
  ])('in %s', async (_encoding, bytes) => {
    expect((await read(bytes))[0]?.suite).toBe('ä€');
  });

  it('in ISO-8859-1, and with bytes that are none; refuses an encoding that it does not know', async () => {
    const latin =
      '<?xml version="1.0" encoding="ISO-8859-1"?><testsuite name="\xe4"><testcase/></testsuite>';
    expect((await read(Buffer.from(latin, 'latin1')))[0]?.suite).toBe('ä');
    const broken = Buffer.from('<testsuite name="\xe4"><testcase/></testsuite>', 'latin1');
    expect((await read(broken))[0]?.suite).toBe('\ufffd');
    const unknown = '<?xml version="1.0" encoding="EBCDIC-9"?><testsuite/>';
    expect((await refusal(unknown)).code).toBe('unsupported_encoding');
  });

  it.each<[string, BufferEncoding]>([
    ['windows-1252', 'latin1'],
    ['utf-8', 'utf8'],
  ])('wherever the bytes of %s are cut', (encoding, bytes) => {
    const text = `<?xml version="1.0" encoding="${encoding}"?>${'é'.repeat(400)}`;
    for (const size of [1, 2, 7, 255, 256, 257]) {
      const xml = new XmlText();
      let decoded = '';
      const all = Buffer.from(text, bytes);
      for (let at = 0; at < all.length; at += size)
        decoded += xml.text(all.subarray(at, at + size));
      expect(decoded + xml.end() === text).toBe(true);
    }
  });

  it('lets others have their turn, and stops when it is told to', async () => {
    const one = '<testcase name="n" classname="c" time="1"><failure>f</failure></testcase>\n';
    const large = Buffer.from(`<testsuite>${one.repeat(40_000)}</testsuite>`);
    let turns = 0;
    let isRead = false;
    const reading = readJUnit(piecesOf(large, large.length), NO_MASKS).finally(
      () => (isRead = true),
    );
    while (!isRead) {
      await wait(1);
      turns += 1;
    }
    expect(await reading).toHaveLength(40_000);
    expect(turns).toBeGreaterThan(5);
    const stopping = new AbortController();
    const stopped = readJUnit(
      piecesOf(large, large.length),
      NO_MASKS,
      JUNIT_LIMITS,
      stopping.signal,
    );
    stopping.abort(new Error('cancelled'));
    await expect(stopped).rejects.toThrow('cancelled');
  });
});
