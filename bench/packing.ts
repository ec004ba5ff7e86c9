// How much of a cluster's devices pods get, on the OpenB trace of a production GPU cluster.
// Published policies are replayed beside ours, so that the comparison is fair.
import { readTrace } from './packing/openb.ts';
import type { Trace } from './packing/openb.ts';
import { bestFit, densePacking, dotProduct, fragmentationGradient } from './packing/policies.ts';
import type { Policy } from './packing/policies.ts';
import { replay } from './packing/replay.ts';
import { runBenchmark } from './support.ts';
import type { Numbers } from './support.ts';

const percents = [95, 100, 130];
const seeds = [42, 43, 44, 45, 46];
const variants = ['cpu100', 'gpushare60', 'gpuspec10', 'multigpu20'];

const policies = {
  bestFit,
  dotProduct,
  fragmentationGradient: ({ pods }: Trace) => fragmentationGradient(pods),
  bayplan: ({ pods }: Trace) => densePacking(pods),
} satisfies Record<string, (trace: Trace) => Policy>;

/** Means of the published runs with the same five orders of arrival of the default trace, at 100 and 130 % arrived. */
const published: Partial<Record<keyof typeof policies, readonly [number, number]>> = {
  bestFit: [92.946, 93.16],
  dotProduct: [90.594, 90.808],
  fragmentationGradient: [95.244, 95.404],
};

await runBenchmark('packing', ({ quick, log }) => {
  const metrics: Numbers = {};
  const ratios: Numbers = {};
  const measure = (name: keyof typeof policies, trace: string, ofSeeds: readonly number[]): Numbers => {
    const sums = percents.map(() => 0);
    const startedAt = performance.now();
    for (const seed of ofSeeds) {
      const data = readTrace(trace, seed);
      const allocated = replay(data, policies[name](data), percents);
      percents.forEach((percent, index) => (sums[index] = (sums[index] ?? 0) + (allocated.get(percent) ?? 0)));
    }
    const means = Object.fromEntries(percents.map((percent, index) => [`at${String(percent)}`, (sums[index] ?? 0) / ofSeeds.length]));
    log(
      `${trace} ${name}: ${Object.values(means)
        .map((mean) => mean.toFixed(2))
        .join(
          ' / ',
        )} % of devices at ${percents.join(' / ')} % arrived, ${((performance.now() - startedAt) / ofSeeds.length / 1000).toFixed(1)} s`,
    );
    for (const [at, mean] of Object.entries(means)) metrics[`${trace}.${name}.${at}Percent`] = mean;
    return means;
  };
  for (const name of Object.keys(policies) as (keyof typeof policies)[]) {
    const means = measure(name, 'default', quick ? seeds.slice(0, 1) : seeds);
    const [at100, at130] = published[name] ?? [];
    if (at100 !== undefined && at130 !== undefined) {
      ratios[`${name}.at100.toPublished`] = (means['at100'] ?? 0) / at100;
      ratios[`${name}.at130.toPublished`] = (means['at130'] ?? 0) / at130;
    }
  }
  for (const variant of quick ? [] : variants) {
    const gradient = measure('fragmentationGradient', variant, [42]);
    const ours = measure('bayplan', variant, [42]);
    for (const at of ['at95', 'at100']) ratios[`${variant}.${at}.toFragmentationGradient`] = (ours[at] ?? 0) / (gradient[at] ?? 1);
  }
  return { metrics, ratios };
});
