import type { RoutedSettings } from '../record/deployment.js';
import type { RoutedTarget } from './routed.target.js';

interface ByType {
  readonly docker_container: RoutedTarget<Extract<RoutedSettings, { type: 'docker_container' }>>;
  readonly local_service: RoutedTarget<Extract<RoutedSettings, { type: 'local_service' }>>;
}

/** Which target has the instances of which releases. */
export class RoutedTargets {
  constructor(private readonly targets: ByType) {}

  of(settings: RoutedSettings): RoutedTarget<RoutedSettings> {
    return this.targets[settings.type];
  }
}
