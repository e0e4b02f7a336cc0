import { definitionDocument } from './definition-document.js';
import { parseDefinition } from './parse-definition.js';

function documentOf(yaml: string) {
  const { definition, problems } = parseDefinition(yaml);
  if (definition === undefined) throw new Error(JSON.stringify(problems));
  return definitionDocument(definition);
}

describe('definitionDocument', () => {
  it('tells a pipeline of the seed as it was written', () => {
    const document = documentOf(`
name: Node
description: Hello
triggers:
  - { trigger_type: manual, config: {} }
  - { trigger_type: git_push, config: { branch_patterns: [main], repository: acme/shop } }
  - { trigger_type: schedule, config: { cron_expression: "0 3 * * *" } }
  - { trigger_type: webhook, config: { webhook_url: /hook, events: [push] } }
  - { trigger_type: pull_request }
stages:
  - name: Build
    condition: always()
    steps:
      - { name: clone, step_type: github, config: { repository_url: "https://me:s3cret@h/r.git", branch: main } }
      - { name: test, step_type: shell, config: { command: npm test, working_directory: api }, timeout: 60, continue_on_error: true, condition: success() }
environment: { PORT: 8080 }
timeout: 1800
retry_count: 1
`);
    expect(document).toEqual({
      name: 'Node',
      description: 'Hello',
      triggers: [
        { trigger_type: 'manual', config: {} },
        {
          trigger_type: 'git_push',
          config: { branch_patterns: ['main'], repository: 'acme/shop' },
        },
        { trigger_type: 'schedule', config: { cron_expression: '0 3 * * *', timezone: 'UTC' } },
        { trigger_type: 'webhook', config: { webhook_url: '/hook', events: ['push'] } },
        {
          trigger_type: 'pull_request',
          config: { events: ['opened', 'synchronize', 'reopened'], forks: 'approval' },
        },
      ],
      stages: [
        {
          name: 'Build',
          condition: 'always()',
          parallel: false,
          steps: [
            {
              name: 'clone',
              step_type: 'github',
              config: { repository_url: 'https://***@h/r.git', branch: 'main' },
              continue_on_error: false,
            },
            {
              name: 'test',
              step_type: 'shell',
              config: { command: 'npm test', working_directory: 'api' },
              condition: 'success()',
              continue_on_error: true,
              timeout: 60,
            },
          ],
        },
      ],
      environment: { PORT: '8080' },
      timeout: 1800,
      retry_count: 1,
    });
  });

  it('tells our form in the same shape, with its own additions', () => {
    const document = documentOf(
      'name: a\ntriggers: [{ manual: { inputs: { t: { default: x } } } }, { tag: "v*" }, { push: { paths: "src/**" } }]\nstages: [{ name: s, needs: [], parallel: 2, timeout: 1m, environment: [A=b], steps: [{ name: x, run: [a, b], needs: [] }] }]',
    );
    expect(document).toMatchObject({
      triggers: [
        {
          trigger_type: 'manual',
          config: { inputs: [{ name: 't', type: 'string', default: 'x' }] },
        },
        { trigger_type: 'tag', config: { tag_patterns: ['v*'] } },
        { trigger_type: 'git_push', config: { paths: { include: ['src/**'], exclude: [] } } },
      ],
      stages: [
        {
          parallel: true,
          needs: [],
          timeout: 60,
          environment: { A: 'b' },
          steps: [{ step_type: 'shell', config: { command: 'a\nb' }, needs: [] }],
        },
      ],
      timeout: 3600,
      retry_count: 0,
    });
  });

  it('has the manual trigger alone where none is written', () => {
    expect(documentOf('name: a\nsteps: [x]').triggers).toEqual([
      { trigger_type: 'manual', config: {} },
    ]);
  });

  it.each([
    ['https://me:s3cret@h/x', 'https://***@h/x'],
    ['https://h/hook?token=s3cret', 'https://h/hook?***'],
    ['me:s3cret@h/x', '***'],
    ['acme/shop', 'acme/shop'],
    ['/hook', '/hook'],
  ])('says of the URL %s in a trigger no more than %s', (url, said) => {
    const { triggers = [] } = documentOf(`name: x
triggers:
  - { trigger_type: git_push, config: { repository: "${url}" } }
  - { trigger_type: webhook, config: { webhook_url: "${url}" } }
steps: [echo x]
`);
    const [push, webhook] = triggers;
    expect([push?.config, webhook?.config]).toEqual([{ repository: said }, { webhook_url: said }]);
  });
});
