import { MemoryHub } from '../support/memory-bus.js';
import { busContract } from './bus-contract.js';

busContract('in one process', async () => {
  const hub = new MemoryHub();
  return {
    members: [hub.join(), hub.join(), hub.join()],
    hint: (newest) => hub.hint(newest),
    close: async () => undefined,
  };
});
