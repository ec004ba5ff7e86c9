/**
 * Runs `count` tasks in batches of 1, 2, 4 … so that a fault common to all shows after few calls. Stops after
 * the first batch with an error. Returns how many succeeded and the first error.
 */
export async function slowStart(count: number, run: (index: number) => Promise<void>): Promise<{ succeeded: number; error: unknown }> {
  let succeeded = 0;
  let started = 0;
  for (let batch = Math.min(1, count); batch > 0; batch = Math.min(batch * 2, count - started)) {
    const results = await Promise.allSettled(Array.from({ length: batch }, (_, index) => run(started + index)));
    started += batch;
    succeeded += results.filter((result) => result.status === 'fulfilled').length;
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) return { succeeded, error: failed.reason };
  }
  return { succeeded, error: undefined };
}

/** Runs `run` for every item, at most `limit` at once. Throws the first error after all have settled. */
export async function forEachLimited<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const errors: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      try {
        await run(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}
