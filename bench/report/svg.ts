/** Widths in pixels; a letter's is what most have in the fonts named below. */
export const WIDTH = 820;
export const EDGE = 20;
export const LETTER = 6.9;
/** Room for title and legend above, and for an axis below. */
export const HEAD = 78;
export const FOOT = 56;

/** People who do not see all colours can tell these apart too (after Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#a3568a', '#b8860b', '#555b66'];
const STYLE = `text{font:12px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#444b55}
.title{font-size:16px;font-weight:600;fill:#16191d}.value{font-weight:600;fill:#16191d}
.halo{paint-order:stroke;stroke:#fff;stroke-width:4px}.grid{stroke:#e3e6ea;fill:none}`;

/** An image for a page in light and in dark mode: it has its own background, and needs nothing from elsewhere. */
export function page(
  height: number,
  title: string,
  series: readonly string[],
  inside: readonly string[],
): string {
  let at = EDGE;
  const legend = series.map((one) => {
    const x = at;
    at += one.length * LETTER + 36;
    return `<rect x="${px(x)}" y="42" width="12" height="12" rx="2" fill="${colour(series, one)}"/>${text(x + 18, 52, one, 'start')}`;
  });
  const frame = `x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="8" fill="#fff" stroke="#d5d9de"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}</style>
<rect ${frame}/>
${text(EDGE, 28, title, 'start', 'class="title"')}
${[...legend, ...inside].join('\n')}
</svg>
`;
}

export function text(
  x: number,
  y: number,
  words: string,
  anchor: 'start' | 'middle' | 'end' = 'middle',
  attributes = '',
): string {
  return `<text x="${px(x)}" y="${px(y)}" text-anchor="${anchor}" ${attributes}>${escaped(words)}</text>`;
}

/** A line of the grid, as an SVG path says it. */
export function grid(path: string): string {
  return `<path d="${path}" class="grid"/>`;
}

export function colour(series: readonly string[], one: string): string {
  return COLOURS[series.indexOf(one) % COLOURS.length] ?? '';
}

/** Makes a function from a value to its position between two edges, which are the first and the last tick. */
export function placer(ticks: readonly number[], log: boolean, from: number, to: number) {
  const scale = log ? Math.log10 : (value: number) => value;
  const [low, high] = [scale(ticks[0] ?? 0), scale(ticks.at(-1) ?? 1)];
  return (value: number): number => px(from + ((scale(value) - low) / (high - low)) * (to - from));
}

export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
