import { expect, it } from 'vitest';
import { Random } from '../../src/prove/random.js';

const draw = (random: Random) => Array.from({ length: 20 }, () => random.from(1, 6));

it('the same seed gives the same numbers, another one others', () => {
  expect(draw(new Random('a'))).toEqual(draw(new Random('a')));
  expect(draw(new Random('a'))).not.toEqual(draw(new Random('b')));
});

it('what one part draws does not change what another one does', () => {
  const first = new Random('a');
  draw(first);
  expect(draw(first.of('nemesis'))).toEqual(draw(new Random('a').of('nemesis')));
  expect(draw(first.of('nemesis'))).not.toEqual(draw(first.of('workload')));
});

it('draws from the whole range, about evenly', () => {
  const random = new Random('a');
  const counts = [0, 0, 0, 0, 0, 0];
  for (let index = 0; index < 6000; index++) {
    const side = random.from(0, 5);
    counts[side] = (counts[side] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
});
