import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { EngineAwayError } from './container-runtime.js';
import { EngineUpkeep } from './engine-upkeep.js';
import type { ImageCleaner } from './image-cleaner.js';

Logger.overrideLogger(false);

const LIMITS = { days: 30, maxBytes: 1 };
const DAY_MS = 86_400_000;

describe('EngineUpkeep', () => {
  let events: string[];
  let upkeep: EngineUpkeep;

  beforeEach(() => {
    jest.useFakeTimers();
    events = [];
    upkeep = new EngineUpkeep(LIMITS);
  });
  afterEach(async () => {
    await upkeep.stop();
    jest.useRealTimers();
  });

  const runtime = {
    sweepStale: async () => {
      events.push('swept');
      return { ended: 0, groups: [] };
    },
  };
  const cleaner = (name: string): ImageCleaner =>
    standIn<ImageCleaner>({
      clean: async () => {
        events.push(`cleaned ${name}`);
        return [];
      },
    });

  it('removes what is left each time, and looks after images of one engine at a time', async () => {
    const first = cleaner('first');
    await upkeep.begin(runtime, first);
    await jest.advanceTimersByTimeAsync(0);
    await upkeep.begin(runtime, first);
    await jest.advanceTimersByTimeAsync(0);
    expect(events).toEqual(['swept', 'cleaned first', 'swept']);
    await upkeep.begin(runtime, cleaner('second'));
    events.length = 0;
    await jest.advanceTimersByTimeAsync(DAY_MS);
    expect(new Set(events)).toEqual(new Set(['cleaned second']));
  });

  it('begins nothing on an engine that is gone again', async () => {
    const away = { sweepStale: () => Promise.reject(new EngineAwayError('gone')) };
    await expect(upkeep.begin(away, cleaner('first'))).rejects.toThrow('gone');
    await jest.advanceTimersByTimeAsync(DAY_MS);
    expect(events).toEqual([]);
  });
});
