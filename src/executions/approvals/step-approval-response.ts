import type { StepApprovalResponse } from '../record/dto/step-approval.response.js';
import { givenApprovalResponse } from '../../environments/dto/approval.response.js';
import { rolesOf } from './approval-reasons.js';
import type { AskingView } from './step-approvals.js';

export function stepApprovalResponse({
  stage,
  step,
  attempt,
  asked,
  status,
  standing,
}: AskingView): StepApprovalResponse {
  const { message, required, users = [], inputs = [], asked: at, until } = asked;
  return {
    ...{ stage, step, attempt, status, message, required, missing: standing.missing },
    approvers: { users: [...users], roles: [...rolesOf(asked)] },
    inputs: inputs.map(({ options, ...input }) => ({ ...input, options: [...options] })),
    ...{ asked_at: new Date(at), until: new Date(until) },
    given: standing.given.map((given) => ({
      ...givenApprovalResponse(given),
      inputs: [...given.approval.inputs],
    })),
  };
}
