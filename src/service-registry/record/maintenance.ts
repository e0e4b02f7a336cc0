/** A time in which somebody works on a service: nobody is told of what it does meanwhile. */
export interface MaintenanceWindow {
  readonly from: Date;
  /** When it ends by itself. */
  readonly until: Date;
  /** When somebody ended it before; null: nobody has. */
  readonly ended_at: Date | null;
  /** null: none was given. */
  readonly reason: string | null;
  /** Who began it. */
  readonly by: string;
}

/** Of one service, the oldest first. */
export interface Maintenance {
  /** Rises with every change: a change of what was seen in another version is refused. */
  readonly version: number;
  readonly windows: readonly MaintenanceWindow[];
}

export const NO_MAINTENANCE: Maintenance = { version: 0, windows: [] };
/** Windows of a service that are kept. */
export const MOST_WINDOWS = 20;

/** When it ends or has ended, milliseconds since 1970. */
export function endOf({ until, ended_at: ended }: MaintenanceWindow): number {
  return Math.min(until.getTime(), ended?.getTime() ?? Infinity);
}

/** The window that is open at a time. @param at milliseconds since 1970 */
export function windowAt({ windows }: Maintenance, at: number): MaintenanceWindow | undefined {
  return windows.findLast((one) => one.from.getTime() <= at && at < endOf(one));
}

/** With a window that begins now; one that is open ends. */
export function begun(seen: Maintenance, window: MaintenanceWindow): Maintenance {
  const { windows, version } = ended(seen, window.from);
  return { version, windows: [...windows, window].slice(-MOST_WINDOWS) };
}

/** What is open ends now. */
export function ended({ windows, version }: Maintenance, at: Date): Maintenance {
  return {
    version: version + 1,
    windows: windows.map((one) =>
      endOf(one) > at.getTime() && one.from <= at ? { ...one, ended_at: at } : one,
    ),
  };
}
