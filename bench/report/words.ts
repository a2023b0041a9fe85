const UNITS: Readonly<Record<string, string>> = {
  s: 's',
  ms: 'ms',
  us: 'µs',
  bytes: 'bytes',
  kb: 'KB',
  mb: 'MB',
  x: '×',
  percent: '%',
};
const METRIC = new RegExp(`^(?:(.+)_)?(${Object.keys(UNITS).join('|')})(?:_per_(.+))?$`);

/** What a metric's name says: `server_us_per_message` is `server` in `µs/message`. */
export interface Words {
  readonly name: string;
  readonly unit: string;
}

/** Splits a metric's name into what was measured and its unit. */
export function wordsOf(metric: string): Words {
  const rate = /^(.+)_per_s$/.exec(metric);
  if (rate?.[1] !== undefined) return { name: '', unit: `${spaced(rate[1])}/s` };
  const [, name = '', unit = '', per] = METRIC.exec(metric) ?? [];
  if (unit === '') return { name: spaced(metric), unit: '' };
  return { name: spaced(name), unit: `${UNITS[unit]}${per === undefined ? '' : `/${spaced(per)}`}` };
}

/** A number as people read it: three digits that mean something; from 100 on, whole. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString(
    'en-US',
    Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 },
  );
}

/** `p99 12.1 ms`. */
export function metricText(metric: string, value: number): string {
  const { name, unit } = wordsOf(metric);
  return [name, numberText(value), unit].filter(Boolean).join(' ');
}

/** `members 1,000, workers 2`; of numbers that count and words alike. */
export function parametersText(parameters: Readonly<Record<string, number | string>>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${spaced(name)} ${typeof value === 'number' ? numberText(value) : value}`)
    .join(', ');
}

function spaced(name: string): string {
  return name.replaceAll('_', ' ');
}
