import { Random } from '../../src/prove/random.js';

/** `npm run test:conformance` plays everything; other runs play a part, the same each time. */
const WHOLE = process.env['CONFORMANCE'] === 'whole';
const SEED = 'conformance';
const SHARE = 1 / 3;
/** Of a theme that has no more, all are played. */
const ITEMS_MIN = 12;

/** The items of a theme that this run plays, in their order: those of which `always` is true, and a third of the others. */
export function sampleOf<T>(
  theme: string,
  items: readonly T[],
  always: (item: T) => boolean = () => false,
): readonly T[] {
  const others = items.filter((item) => !always(item));
  const count = Math.max(ITEMS_MIN, Math.ceil(others.length * SHARE));
  if (WHOLE || others.length <= count) return items;
  const random = new Random(`${SEED}: ${theme}`);
  const played = new Set<T>();
  while (played.size < count) played.add(random.pick(others));
  return items.filter((item) => always(item) || played.has(item));
}

/** The cases of a theme that this run plays; those in which the engine is known to differ are always among them. */
export function sampleOfCases<T extends { readonly deviates?: unknown }>(
  theme: string,
  cases: readonly T[],
): readonly T[] {
  return sampleOf(theme, cases, ({ deviates }) => deviates !== undefined);
}
