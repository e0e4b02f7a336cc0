import {
  removeSupervisorCode,
  SupervisorUnderTest,
} from '../../../test/support/services-under-test.js';
import { localServicesContract } from './local-services.contract.fixture.js';

afterAll(removeSupervisorCode);

describe('SupervisedServices', () => {
  localServicesContract(async () => {
    const test = await SupervisorUnderTest.make();
    return {
      services: test.services,
      program: 'echo ready; exec sleep 600',
      end: ({ pid }) => process.kill(pid ?? NaN, 'SIGKILL'),
      close: () => test.close(),
    };
  });
});
