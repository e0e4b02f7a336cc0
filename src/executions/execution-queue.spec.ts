import { labelsOfQueue, queueForLabels, servesQueue } from './execution-queue.js';

describe('execution queues', () => {
  it('names one queue for one set of labels, whatever their order', () => {
    expect(queueForLabels(['linux', 'gpu'])).toBe(queueForLabels(['gpu', 'linux', 'gpu']));
    expect(labelsOfQueue(queueForLabels(['linux', 'gpu']))).toEqual(['gpu', 'linux']);
    expect(labelsOfQueue(queueForLabels([]))).toEqual([]);
  });

  it('gives a worker the queues whose labels it offers', () => {
    expect(servesQueue([], queueForLabels([]))).toBe(true);
    expect(servesQueue(['linux', 'gpu', 'big'], queueForLabels(['gpu', 'linux']))).toBe(true);
    expect(servesQueue(['linux'], queueForLabels(['gpu', 'linux']))).toBe(false);
  });
});
