import type { ResizeAnswer, ResizeRequest } from './resizer.js';

/**
 * The process of a Resizer. It answers each message with the sizes of one photo, and ends with the worker that started
 * it, whatever way that ends.
 */
// The worker decides when to stop. A supervisor may send these to every process of the tree.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL')); // A decoder may be at work in a thread.
process.on('message', (request: ResizeRequest) => {
  void answerTo(request).then((answer) => process.send?.(answer));
});

async function answerTo({ path, type }: ResizeRequest): Promise<ResizeAnswer> {
  let sizes: typeof import('./sizes.js');
  try {
    sizes = await import('./sizes.js');
    sizes.prepare();
  } catch (error) {
    return { failure: `sharp cannot be loaded: ${(error as Error).message}` };
  }
  return sizes.sizesOf(path, type).catch((error: Error) => ({ invalid: error.message }));
}
