import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a program of this folder in a process of its own: it takes a plan, and ends with what it found. */
export function runProcess<Found>(name: string, plan: object): Promise<Found> {
  const child = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), { serialization: 'json' });
  return new Promise<Found>((resolve, reject) => {
    let found: { readonly value: Found } | undefined;
    child.once('message', (message) => {
      found = message as { readonly value: Found };
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (found === undefined) reject(new Error(`${name} ended with ${code ?? signal}`));
      else resolve(found.value);
    });
    child.send(plan);
  });
}

/** Such a program's own end: `run` is what it does. */
export function answerPlan<Plan, Found>(run: (plan: Plan) => Promise<Found>): void {
  process.once('message', (plan: Plan) => {
    run(plan).then(
      (value) => process.send?.({ value }, () => process.exit(0)),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.once('disconnect', () => process.exit(1));
}
