import { SupervisedServices } from '../../src/integrations/local-services/client/supervised-services.js';
import { SupervisorProcess } from '../../src/integrations/local-services/client/supervisor-process.js';

/** The programs that Millrace runs on this host for a data folder, by their supervisor. */
export function supervisedPrograms(home: string): SupervisedServices {
  const supervisor = supervisorOf(home);
  return new SupervisedServices(() => supervisor.ensure());
}

/** Ends all of them, and the supervisor: they outlive whoever has started them. */
export async function endPrograms(home: string): Promise<void> {
  const supervisor = supervisorOf(home);
  if (supervisor.hasServices()) {
    const programs = supervisedPrograms(home);
    for (const { id } of await programs.list()) await programs.remove(id);
  }
  await supervisor.stop();
}

function supervisorOf(home: string): SupervisorProcess {
  return new SupervisorProcess({ home, env: process.env, progress: () => undefined });
}
