import type { FromLoad, ToLoad } from './plan.js';
import { Load } from './run.js';

/** The load's own process: takes a plan, connects, and sends when told to go. */
let load: Load | undefined;

process.on('message', (message: ToLoad) => {
  const done = message.type === 'plan' ? connect(new Load(message.plan)) : go();
  done.catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));

async function connect(planned: Load): Promise<void> {
  load = planned;
  tell({ type: 'connected', connectMs: await planned.connect() });
}

async function go(): Promise<void> {
  if (load === undefined) throw new Error('there is no plan');
  const result = await load.run({
    measuring: () => tell({ type: 'measuring' }),
    measured: () => tell({ type: 'measured' }),
  });
  load.close();
  tell({ type: 'result', result });
}

function tell(message: FromLoad): void {
  process.send?.(message);
}
