import { eventually } from '../../support/eventually.js';
import { type DeploymentPoint, type DeploymentRig, END_MS } from './deployment-rig.js';
import type { RoutedServices } from './routed-services.js';

/** What runs releases, as `ContainerServices` and `ProgramServices`. */
interface ServicesOfType {
  leftOf(service: string, served: readonly string[]): Promise<readonly string[]>;
  hasNothing(service: string): Promise<boolean>;
}

/**
 * Releases of services behind the proxy are promoted to `production`, and the worker of that is
 * killed, at each point: there the release serves, or nothing of it is left.
 */
export async function killRoutedPromotions(
  rig: DeploymentRig,
  routed: RoutedServices,
  services: ServicesOfType,
  points: readonly DeploymentPoint[],
): Promise<void> {
  const there = (name: string): string => `production/${name}`;
  await rig.killPromotionAtEach(
    points.map(([point]) => point),
    async (name) => ({ publish: { port: await routed.portOf(there(name)) } }),
    async (name, isThere) => {
      const isAsSaid = async (): Promise<boolean> => {
        if (!isThere) return services.hasNothing(there(name));
        return (await services.leftOf(there(name), ['1'])).length === 0;
      };
      await eventually(async () => (await isAsSaid()) || undefined, END_MS);
      if (isThere) expect(await routed.served(there(name))).toBe('new');
    },
  );
}
