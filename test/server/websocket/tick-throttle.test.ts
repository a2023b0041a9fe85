import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { TickThrottle } from '../../../src/server/websocket/tick-throttle.js';

it('what comes at once is done in order, so many in each turn, and nothing waits for nothing', async () => {
  const turns = new TickThrottle(3);
  const done: number[] = [];
  const come = (n: number) => {
    const turn = turns.next();
    if (turn === undefined) done.push(n);
    else void turn.then(() => done.push(n));
  };
  for (let n = 1; n <= 8; n++) come(n);
  expect(done).toEqual([1, 2, 3]);
  await nextTurn();
  expect(done).toEqual([1, 2, 3, 4, 5, 6]);
  come(9);
  await nextTurn();
  expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (let more = 0; more < 3; more++) await nextTurn();
  for (let n = 10; n <= 12; n++) come(n);
  expect(done.slice(9)).toEqual([10, 11, 12]);
});
