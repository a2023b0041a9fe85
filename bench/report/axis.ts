/** Round numbers from 0 to at least `max`, about five of them. */
export function linearTicks(max: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10);
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => rounded(index * step));
}

/** Powers of ten from at most `min` to at least `max`; with few of them also 2 and 5 times these. */
export function logTicks(min: number, max: number): number[] {
  const [low, high] = min > 0 && max >= min ? [min, max] : [1, 10];
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const factors = last - first > 3 ? [1] : [1, 2, 5];
  const all = Array.from({ length: last - first + 1 }, (_, index) =>
    factors.map((factor) => rounded(factor * 10 ** (first + index))),
  ).flat();
  const from = all.filter((tick) => tick <= low).length - 1;
  const to = all.findIndex((tick) => tick >= high);
  const ticks = all.slice(Math.max(0, from), to === -1 ? undefined : to + 1);
  return ticks.length > 1 ? ticks : all.slice(0, 2);
}

/** Removes what binary fractions leave behind. */
function rounded(value: number): number {
  return Number(value.toPrecision(10));
}

/** `20k`, `1M`, `0.5`. */
export function tickText(value: number): string {
  const [divisor, suffix] = value >= 1e6 ? [1e6, 'M'] : value >= 1e4 ? [1e3, 'k'] : [1, ''];
  return `${Number((value / divisor).toPrecision(3)).toLocaleString('en-US')}${suffix}`;
}
