import { labelsOfQueue, queueForLabels, servesQueue } from './execution-queue.js';

describe('execution queues', () => {
  it('names one queue for one set of labels, whatever their order', () => {
    expect(queueForLabels(['linux', 'gpu'])).toBe(queueForLabels(['gpu', 'linux', 'gpu']));
    expect(labelsOfQueue(queueForLabels(['linux', 'gpu']))).toEqual(['gpu', 'linux']);
    expect(labelsOfQueue(queueForLabels([]))).toEqual([]);
  });

  it('knows a label `any`, which is not the same as none', () => {
    const queue = queueForLabels(['any']);
    expect(queue).not.toBe(queueForLabels([]));
    expect(labelsOfQueue(queue)).toEqual(['any']);
    expect(servesQueue(['linux'], queue)).toBe(false);
    expect(servesQueue(['any', 'linux'], queue)).toBe(true);
    expect(labelsOfQueue(queueForLabels(['linux', 'any']))).toEqual(['any', 'linux']);
  });

  it('gives a worker the queues whose labels it offers', () => {
    expect(servesQueue([], queueForLabels([]))).toBe(true);
    expect(servesQueue(['linux', 'gpu', 'big'], queueForLabels(['gpu', 'linux']))).toBe(true);
    expect(servesQueue(['linux'], queueForLabels(['gpu', 'linux']))).toBe(false);
  });
});
