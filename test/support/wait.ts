const LOOK_EVERY_MS = 10;
/** The real one, also where a test has replaced the clocks. */
const { setImmediate } = globalThis;
/** A machine that is busy with something else may take long for anything; who waits says nothing of how fast it is. */
export const WAIT_MS = 30_000;

/** Waits until `look` gives something, and resolves to it. Rejects after `ms`, or with what `look` throws. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  ms = WAIT_MS,
): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${look}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** Some turns of the event loop: whatever can go on without another answer has done so. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
