import { describe, expect, it } from 'vitest';
import { densityScore } from '../../src/plugins/density.ts';

describe('densityScore', () => {
  it.each([
    // Empty node, pod of 25 % and 25 %: mean 0.25, gap stays 0: 100 * (0.6 * 0.25 + 0.4 * 0.5) = 35
    { what: 'an empty node', cpu: [0, 1, 4], memory: [0, 2, 8], score: 35 },
    // Half full, same pod: mean 0.75: 100 * (0.6 * 0.75 + 0.4 * 0.5) = 65
    { what: 'a half-full node', cpu: [2, 1, 4], memory: [4, 2, 8], score: 65 },
    // CPU 50 %, memory 0 %; a pod of memory only, 25 %: mean 0.375, gap 0.5 to 0.25, gradient -1: 100 * (0.225 + 0.4) = 62.5, rounded up
    { what: 'a pod that evens out', cpu: [2, 0, 4], memory: [0, 2, 8], score: 63 },
    // CPU 25 %, memory 0 %; a pod of CPU only, 75 %: mean 0.5, gap 0.25 to 1, gradient 1: 100 * 0.6 * 0.5 = 30
    { what: 'a pod that strands memory', cpu: [1, 3, 4], memory: [0, 0, 8], score: 30 },
    { what: 'a node that would be overfull', cpu: [4, 1, 4], memory: [0, 2, 8], score: 0 },
    { what: 'a node that offers nothing', cpu: [0, 1, 0], memory: [0, 2, 0], score: 0 },
  ])(
    'gives $what $score',
    ({ cpu: [used = 0, wanted = 0, total = 0], memory: [usedMemory = 0, wantedMemory = 0, totalMemory = 0], score }) => {
      expect(densityScore(used, wanted, total, usedMemory, wantedMemory, totalMemory)).toBe(score);
    },
  );
});
