import { EXAMPLE_ID } from '../../../common/http/api-documentation.js';
import { nameRecord } from '../../../common/values/name-record.js';

/**
 * What the API has answered about an execution of a pipeline of three stages whose second failed:
 * for the document, as it came but for ids, times and names of machines.
 */
export const EXAMPLE_EXECUTION = {
  id: EXAMPLE_ID,
  pipeline_id: '01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c',
  pipeline_name: 'shop',
  pipeline_version: 1,
  number: 1,
  status: 'failed',
  reason: {
    code: 'step_failed',
    message: 'step "unit" of stage "test" failed: exit code 1',
    data: {
      stage: 'test',
      step: 'unit',
    },
  },
  trigger_info: {
    trigger_type: 'manual',
    triggered_by: 'token',
    timestamp: '2026-01-31T11:59:59.995Z',
    branch: 'main',
  },
  commit: null,
  attempt: 1,
  rerun_of: null,
  started_at: '2026-01-31T12:00:00.045Z',
  finished_at: '2026-01-31T12:00:03.644Z',
  duration: 3599,
  created_at: '2026-01-31T12:00:00.000Z',
  updated_at: '2026-01-31T12:00:03.644Z',
  waited: 0,
  waits_for: null,
  checkout: null,
  stages: [
    {
      name: 'build',
      status: 'success',
      reason: {
        code: 'started',
        message: 'what it needs is over',
      },
      started_at: '2026-01-31T12:00:00.066Z',
      finished_at: '2026-01-31T12:00:02.416Z',
      duration: 2350,
      execution_attempt: 1,
      steps: [
        {
          name: 'compile',
          status: 'success',
          reason: {
            code: 'started',
            message: 'what it needs is over',
          },
          started_at: '2026-01-31T12:00:00.066Z',
          finished_at: '2026-01-31T12:00:02.411Z',
          duration: 2345,
          exit_code: 0,
          continued_on_error: false,
          flaky: false,
          outputs: {
            version: '1.4.0',
          },
          attempts: [
            {
              number: 1,
              status: 'success',
              reason: null,
              started_at: '2026-01-31T12:00:00.066Z',
              finished_at: '2026-01-31T12:00:02.411Z',
              duration: 2345,
              exit_code: 0,
              signal: null,
            },
          ],
        },
      ],
    },
    {
      name: 'test',
      status: 'failed',
      reason: {
        code: 'step_failed',
        message: 'failed: "unit"',
        data: {
          steps: ['unit'],
        },
      },
      started_at: '2026-01-31T12:00:02.420Z',
      finished_at: '2026-01-31T12:00:03.636Z',
      duration: 1216,
      execution_attempt: 1,
      steps: [
        {
          name: 'unit',
          status: 'failed',
          reason: {
            code: 'exit_code',
            message: 'exit code 1',
            data: {
              exit_code: 1,
            },
          },
          started_at: '2026-01-31T12:00:02.420Z',
          finished_at: '2026-01-31T12:00:03.635Z',
          duration: 1215,
          exit_code: 1,
          continued_on_error: false,
          flaky: false,
          outputs: {},
          attempts: [
            {
              number: 1,
              status: 'failed',
              reason: {
                code: 'exit_code',
                message: 'exit code 1',
                data: {
                  exit_code: 1,
                },
              },
              started_at: '2026-01-31T12:00:02.420Z',
              finished_at: '2026-01-31T12:00:03.635Z',
              duration: 1215,
              exit_code: 1,
              signal: null,
            },
          ],
        },
      ],
    },
    {
      name: 'deploy',
      status: 'skipped',
      reason: {
        code: 'need_failed',
        message: 'needs "test", which failed',
        data: {
          needs: ['test'],
          failed: 'test',
        },
      },
      started_at: null,
      finished_at: null,
      duration: null,
      execution_attempt: null,
      steps: [
        {
          name: 'upload',
          status: 'skipped',
          reason: {
            code: 'need_failed',
            message: 'stage "deploy": needs "test", which failed',
            data: {
              needs: ['test'],
              failed: 'test',
              stage: 'deploy',
            },
          },
          started_at: null,
          finished_at: null,
          duration: null,
          exit_code: null,
          continued_on_error: false,
          flaky: false,
          outputs: {},
          attempts: [],
        },
      ],
    },
  ],
  on_failure: [
    {
      name: 'tell',
      status: 'success',
      reason: {
        code: 'started',
        message: 'what it needs is over',
      },
      started_at: '2026-01-31T12:00:03.637Z',
      finished_at: '2026-01-31T12:00:03.643Z',
      duration: 6,
      exit_code: 0,
      continued_on_error: false,
      flaky: false,
      outputs: {},
      attempts: [
        {
          number: 1,
          status: 'success',
          reason: null,
          started_at: '2026-01-31T12:00:03.637Z',
          finished_at: '2026-01-31T12:00:03.643Z',
          duration: 6,
          exit_code: 0,
          signal: null,
        },
      ],
    },
  ],
  always: [],
  failure: {
    stage: 'test',
    step: 'unit',
    exit_code: 1,
    reason: {
      code: 'exit_code',
      message: 'exit code 1',
      data: {
        exit_code: 1,
      },
    },
    last_lines: ['1 of 12 tests failed: adds a discount'],
  },
  inputs: {},
  environment: {
    GREETING: 'Good morning',
  },
  logs: ['compiled 42 files', '1 of 12 tests failed: adds a discount', 'told the team'],
  placements: [
    {
      attempt: 1,
      worker_id: '01932f5e-6b00-7d3e-8f21-4c5d6e7f8091',
      worker_name: 'build-1-4711',
      claimed_at: '2026-01-31T12:00:00.018Z',
      reason: null,
    },
  ],
  approvals: [],
};

/** What lists leave out. */
const OF_ONE_ALONE: ReadonlySet<string> = new Set([
  'waited',
  'waits_for',
  'checkout',
  'stages',
  'on_failure',
  'always',
  'failure',
  'inputs',
  'environment',
  'logs',
  'placements',
  'approvals',
]);

/** The same execution, explained. */
export const EXAMPLE_EXPLANATION = {
  id: EXAMPLE_ID,
  status: 'failed',
  reason: {
    code: 'step_failed',
    message: 'step "unit" of stage "test" failed: exit code 1',
    data: {
      stage: 'test',
      step: 'unit',
    },
  },
  trigger: 'manual, by token',
  queue: null,
  estimate: null,
  critical_path: [
    {
      stage: 'build',
      step: 'compile',
      waited_ms: 0,
      duration_ms: 2345,
    },
    {
      stage: 'test',
      step: 'unit',
      waited_ms: 9,
      duration_ms: 1215,
    },
    {
      stage: 'on_failure',
      step: 'tell',
      waited_ms: 2,
      duration_ms: 6,
    },
  ],
  placements: [
    {
      attempt: 1,
      worker_id: '01932f5e-6b00-7d3e-8f21-4c5d6e7f8091',
      worker_name: 'build-1-4711',
      claimed_at: '2026-01-31T12:00:00.018Z',
      reason: null,
    },
  ],
  checkout: null,
  stages: [
    {
      name: 'build',
      status: 'success',
      reason: {
        code: 'started',
        message: 'what it needs is over',
      },
      when: null,
      steps: [
        {
          name: 'compile',
          status: 'success',
          reason: {
            code: 'started',
            message: 'what it needs is over',
          },
          when: null,
          attempts: [null],
          caches: [],
          deployments: [],
        },
      ],
    },
    {
      name: 'test',
      status: 'failed',
      reason: {
        code: 'step_failed',
        message: 'failed: "unit"',
        data: {
          steps: ['unit'],
        },
      },
      when: null,
      steps: [
        {
          name: 'unit',
          status: 'failed',
          reason: {
            code: 'exit_code',
            message: 'exit code 1',
            data: {
              exit_code: 1,
            },
          },
          when: null,
          attempts: [
            {
              code: 'exit_code',
              message: 'exit code 1',
              data: {
                exit_code: 1,
              },
            },
          ],
          caches: [],
          deployments: [],
        },
      ],
    },
    {
      name: 'deploy',
      status: 'skipped',
      reason: {
        code: 'need_failed',
        message: 'needs "test", which failed',
        data: {
          needs: ['test'],
          failed: 'test',
        },
      },
      when: null,
      steps: [
        {
          name: 'upload',
          status: 'skipped',
          reason: {
            code: 'need_failed',
            message: 'stage "deploy": needs "test", which failed',
            data: {
              needs: ['test'],
              failed: 'test',
              stage: 'deploy',
            },
          },
          when: null,
          attempts: [],
          caches: [],
          deployments: [],
        },
      ],
    },
  ],
  on_failure: [
    {
      name: 'tell',
      status: 'success',
      reason: {
        code: 'started',
        message: 'what it needs is over',
      },
      when: null,
      attempts: [null],
      caches: [],
      deployments: [],
    },
  ],
  always: [],
};

/** The same execution in a list. */
export const EXAMPLE_SUMMARY = nameRecord<unknown>(
  Object.entries(EXAMPLE_EXECUTION).filter(([name]) => !OF_ONE_ALONE.has(name)),
);
