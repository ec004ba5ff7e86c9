import { expect, it } from 'vitest';
import { cpuNanosOf, memoryOf } from '../src/server/machine-usage.ts';

it('counts the time that CPUs were busy, not idle, waiting or with guests', () => {
  // 1 + 2 + 4 + 32 + 64 + 128 ticks of 10 ms.
  expect(cpuNanosOf('cpu  1 2 4 8 16 32 64 128 256 512\ncpu0 1 2 4 8 16 32 64 128 256 512\n')).toBe(231 * 10_000_000);
});

it('counts memory that is not available as the working set', () => {
  expect(memoryOf('MemTotal:       1000 kB\nMemFree:         200 kB\nMemAvailable:    600 kB\n')).toEqual({
    workingSetBytes: 400 * 1024,
    usageBytes: 800 * 1024,
  });
});
