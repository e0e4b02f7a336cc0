import {
  evaluateTemplate,
  isTemplate,
  parseTemplate,
  renderTemplate,
  TemplateError,
} from './template.js';
import { templateReferences } from './expression-references.js';
import { testScope } from './scope.fixture.js';

function text(source: string): string {
  const parsed = parseTemplate(source);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return evaluateTemplate(parsed.template, testScope());
}

describe('templates', () => {
  const cases: [string, string][] = [
    ['', ''],
    ['plain $HOME ${HOME} }}', 'plain $HOME ${HOME} }}'],
    ['on ${{ trigger.branch }}!', 'on main!'],
    ['${{trigger.branch}}${{ inputs.count }}', 'main3'],
    ['[${{ env.MISSING }}]', '[]'],
    ["${{ '}}' }}x", '}}x'],
    ['${{ "a\\"}}" }}', 'a"}}'],
    ['$${{ not evaluated }} ${{ 1 }}', '${{ not evaluated }} 1'],
    ["${{ ['a', 1] }}", '["a",1]'],
    ['${{ true }}', 'true'],
    ['a\n${{ trigger.branch }}\nb', 'a\nmain\nb'],
  ];
  it.each(cases)('%j', (source, expected) => {
    expect(text(source)).toBe(expected);
  });

  it('evaluates a value once: what it holds is never evaluated again', () => {
    const parsed = parseTemplate('${{ trigger.message }}');
    if (!parsed.ok) throw new Error('does not parse');
    const scope = { ...testScope(), trigger: { message: '${{ env.SECRET }}' } };
    expect(evaluateTemplate(parsed.template, scope)).toBe('${{ env.SECRET }}');
  });

  it('tells all problems with offsets in the whole text', () => {
    const parsed = parseTemplate('a ${{ tirgger.x }} b ${{ nope() }} c ${{ open');
    expect(parsed.ok ? [] : parsed.problems.map(({ code, offset }) => [code, offset])).toEqual([
      ['unknown_name', 6],
      ['unknown_function', 25],
      ['unclosed_expression', 37],
    ]);
  });

  it('tells the open quote of an expression, not a missing end', () => {
    const parsed = parseTemplate("x ${{ 'a }} y");
    expect(parsed.ok ? [] : parsed.problems).toMatchObject([
      { code: 'unclosed_string', offset: 6 },
    ]);
  });

  it('answers or throws what only an evaluation can see', () => {
    const parsed = parseTemplate("a ${{ matches('x', env.BAD_PATTERN) }}");
    if (!parsed.ok) throw new Error('does not parse');
    const { template } = parsed;
    expect(renderTemplate(template, testScope())).toMatchObject({
      ok: false,
      problems: [{ code: 'invalid_pattern', offset: 6 }],
    });
    expect(() => evaluateTemplate(template, testScope())).toThrow(TemplateError);
  });

  it('bounds the text it makes', () => {
    const parsed = parseTemplate('${{ env.BIG }}'.repeat(10));
    if (!parsed.ok) throw new Error('does not parse');
    const scope = { ...testScope(), env: { BIG: 'x'.repeat(200_000) } };
    expect(renderTemplate(parsed.template, scope)).toMatchObject({
      ok: false,
      problems: [{ code: 'value_too_large' }],
    });
  });

  it('collects references of all its expressions', () => {
    const parsed = parseTemplate('${{ env.A }} ${{ steps.compile.outputs.v }}');
    if (!parsed.ok) throw new Error('does not parse');
    expect(templateReferences(parsed.template).references).toMatchObject([
      { root: 'env', path: ['A'], offset: 4 },
      { root: 'steps', path: ['compile', 'outputs', 'v'], offset: 17 },
    ]);
    expect(isTemplate('$HOME')).toBe(false);
  });
});
