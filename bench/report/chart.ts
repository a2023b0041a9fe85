import { linearTicks, logTicks, tickText } from './axis.js';
import { colour, EDGE, FOOT, grid, HEAD, LETTER, page, placer, px, text, WIDTH } from './svg.js';
import { numberText } from './words.js';

/** Horizontal bars; each row says its own label and value. Rows of one series share a colour. */
export interface BarChart {
  readonly title: string;
  /** In the order of the legend; the first has the first colour. */
  readonly series: readonly string[];
  /** What the bars' length is, with its unit. */
  readonly axis: string;
  readonly bars: readonly { readonly label: string; readonly series: string; readonly value: number }[];
}

/** Lines against a load; each axis may be logarithmic. */
export interface LineChart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly {
    readonly series: string;
    readonly points: readonly (readonly [number, number])[];
  }[];
}

export interface Axis {
  readonly label: string;
  readonly log: boolean;
}

const BAR = 20;
const ROW = 30;
const PLOT_HEIGHT = 300;
const VALUE_WIDTH = 86;
/** A value is left out where another one stands closer than this. */
const APART = { x: 44, y: 15 };

export function barChart({ title, series, axis, bars }: BarChart): string {
  const left = EDGE + 10 + Math.max(...bars.map(({ label }) => label.length), 0) * LETTER;
  const right = WIDTH - EDGE - VALUE_WIDTH;
  const bottom = HEAD + bars.length * ROW;
  const ticks = linearTicks(Math.max(...bars.map(({ value }) => value), 0));
  const place = placer(ticks, false, left, right);
  const rows = bars.map((bar, index) => {
    const y = HEAD + index * ROW + (ROW - BAR) / 2;
    const baseline = y + BAR / 2 + 4;
    const end = place(bar.value);
    const width = Math.max(1, px(end - left));
    return (
      text(left - 10, baseline, bar.label, 'end') +
      `<rect x="${px(left)}" y="${y}" width="${width}" height="${BAR}" rx="2" fill="${colour(series, bar.series)}"/>` +
      text(end + 7, baseline, numberText(bar.value), 'start', 'class="value"')
    );
  });
  return page(bottom + FOOT, title, series, [
    ...below(ticks, place, bottom),
    text((left + right) / 2, bottom + 40, axis),
    ...rows,
  ]);
}

export function lineChart({ title, x, y, lines }: LineChart): string {
  const series = lines.map((line) => line.series);
  const points = lines.flatMap((line) => line.points);
  const [left, right, bottom] = [EDGE + 62, WIDTH - EDGE - 40, HEAD + PLOT_HEIGHT];
  const xTicks = ticksOf(
    x,
    points.map(([one]) => one),
  );
  const yTicks = ticksOf(
    y,
    points.map(([, one]) => one),
  );
  const [atX, atY] = [placer(xTicks, x.log, left, right), placer(yTicks, y.log, bottom, HEAD)];
  const dots = lines.flatMap((line) =>
    line.points.map(([one, two]) => ({
      x: atX(one),
      y: atY(two),
      value: two,
      fill: colour(series, line.series),
    })),
  );
  const middle = HEAD + PLOT_HEIGHT / 2;
  return page(bottom + FOOT, title, series, [
    ...below(xTicks, atX, bottom),
    ...yTicks.map(
      (tick) => grid(`M${left} ${atY(tick)}H${right}`) + text(left - 8, atY(tick) + 4, tickText(tick), 'end'),
    ),
    text((left + right) / 2, bottom + 40, x.label),
    text(EDGE + 8, middle, y.label, 'middle', `transform="rotate(-90 ${EDGE + 8} ${middle})"`),
    ...lines.map((line) => {
      const path = line.points.map(([one, two]) => `${atX(one)},${atY(two)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${colour(series, line.series)}" stroke-width="2"/>`;
    }),
    ...dots.map((dot) => `<circle cx="${dot.x}" cy="${dot.y}" r="3.5" fill="${dot.fill}"/>`),
    ...values(dots, left),
  ]);
}

function ticksOf(axis: Axis, values: readonly number[]): number[] {
  return axis.log ? logTicks(Math.min(...values), Math.max(...values)) : linearTicks(Math.max(...values, 0));
}

/** The axis at the foot, and its lines through the plot. */
function below(ticks: readonly number[], place: (value: number) => number, bottom: number): string[] {
  return ticks.map(
    (tick) => grid(`M${place(tick)} ${HEAD}V${bottom}`) + text(place(tick), bottom + 18, tickText(tick)),
  );
}

interface Dot {
  readonly x: number;
  readonly y: number;
  readonly value: number;
  readonly fill: string;
}

/** Writes each value above its dot where there is room, and to the right of a dot on the axis. */
function values(dots: readonly Dot[], left: number): string[] {
  const shown: Dot[] = [];
  return dots.map((dot) => {
    const taken = (other: Dot) => Math.abs(other.x - dot.x) < APART.x && Math.abs(other.y - dot.y) < APART.y;
    if (shown.some(taken)) return '';
    shown.push(dot);
    const isFirst = dot.x - left < APART.x / 2;
    const style = `class="value halo" style="fill:${dot.fill}"`;
    return text(
      dot.x + (isFirst ? 7 : 0),
      dot.y - (isFirst ? 6 : 9),
      numberText(dot.value),
      isFirst ? 'start' : 'middle',
      style,
    );
  });
}
