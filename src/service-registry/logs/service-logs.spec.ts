import { hostname } from 'node:os';
import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { MemoryDeployedServices } from '../memory-deployed-services.fixture.js';
import type { ServiceView } from '../service-view.js';
import type { ServiceName, ServicesService } from '../services.service.js';
import type { AnsweredLog } from './instance-logs.js';
import { LogAnswers } from './log-answers.js';
import { type ServiceLog, ServiceLogs } from './service-logs.service.js';

const SHOP = { id: 'default/shop' } as unknown as ServiceView & ServiceName;

describe('the log of a service', () => {
  let bus: MemoryEventBus;
  let deployed: MemoryDeployedServices;
  let logs: ServiceLogs;
  let workers: LogAnswers[];
  let asked: unknown[];

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    bus = new MemoryEventBus();
    deployed = new MemoryDeployedServices();
    deployed.has('shop', { host: hostname(), hasInstance: true });
    const services = standIn<ServicesService>({ get: () => Promise.resolve(SHOP) });
    logs = new ServiceLogs(services, deployed, bus);
    workers = [];
    asked = [];
  });
  afterEach(() => workers.forEach((worker) => worker.onModuleDestroy()));

  const worker = (answer: () => Promise<AnsweredLog>): void => {
    const last = (...what: unknown[]): Promise<AnsweredLog> => {
      asked.push(what);
      return answer();
    };
    const one = new LogAnswers(bus, { last });
    one.onModuleInit();
    workers.push(one);
  };
  const last = (): Promise<ServiceLog> => logs.last(SHOP, 20);
  const log = { release: 3, lines: ['{"a": 1}', 'b'] };

  it('is read by a worker of its host, and of several the first answer counts', async () => {
    worker(() => Promise.resolve({ kind: 'log', log }));
    worker(() => Promise.resolve({ kind: 'log', log }));
    expect(await last()).toEqual({ service: 'default/shop', host: hostname(), ...log });
    expect(asked[0]).toEqual(['default/shop', 20]);
  });

  it('says why it cannot be read', async () => {
    const reason = { code: 'engine_away', message: 'no engine answers' };
    worker(() => Promise.resolve({ kind: 'none', reason }));
    await expect(last()).rejects.toThrow('cannot be read: no engine answers.');
  });

  it('says so where the record is away to the worker', async () => {
    worker(() => Promise.reject(new Error('no database')));
    await expect(last()).rejects.toThrow('cannot be read: no database.');
  });

  it('waits for no worker that is not there, and for none that has stopped', async () => {
    logs.patienceMs = 30;
    await expect(last()).rejects.toThrow(`No worker of the host ${hostname()} answers`);
    worker(() => Promise.resolve({ kind: 'log', log }));
    workers[0]?.onModuleDestroy();
    await expect(last()).rejects.toThrow('No worker of the host');
  });

  it('is none where Millrace runs nothing', async () => {
    deployed.has('shop', { hasInstance: false });
    await expect(last()).rejects.toThrow('there is no log of it');
  });
});
