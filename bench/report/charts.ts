import type { Measurement } from '../measure/measurement.js';
import { type Axis, barChart, lineChart } from './chart.js';

/** A chart as a file; its title is also what is read where images are not seen. */
export interface ChartFile {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

interface Bar {
  readonly label: string;
  readonly series: string;
  readonly value: number;
}

/** What a server does with a message, beside passing it on. */
const KINDS: Readonly<Record<string, string>> = {
  parley: 'stores, orders, resumes',
  'socket.io (uws)': 'stores',
  'socket.io (ws)': 'stores',
  engine: 'stores nothing',
  'engine (per tick)': 'stores nothing',
  ws: 'stores nothing',
};
/** The order of legends and colours. parley comes first everywhere. */
const ORDER: readonly string[] = [...Object.keys(KINDS), ...new Set(Object.values(KINDS))];
/** The measurements at full speed, in which each sender waits for its own message. */
const CLOSED: readonly string[] = ['closed', 'closed, 64 senders'];
/** It is left out, because its photo costs a hundred times what other requests do: their bars would not be seen. */
const NOT_AMONG_REQUESTS = 'POST /user';

/** What grows in the suite of that name: its measurement and parameter, and what is looked at. */
const GROWTH = [
  ['members of a group', 'members', 'server_us_per_delivery', 'µs of processor time for a delivery'],
  ['chats of a user', 'chats', 'main_attach_ms', 'ms until a main socket knows them all'],
  ['messages stored', 'messages_stored', 'server_us_per_message', 'µs of processor time for a message'],
  ['workers', 'workers', 'server_us_per_message', 'µs of processor time for a message'],
] as const;

/** The charts that these measurements suffice for. */
export function chartsOf(measurements: readonly Measurement[]): ChartFile[] {
  const oneWorker = measurements.filter(({ parameters }) => (parameters['workers'] ?? 1) === 1);
  const of = (suite: string) => oneWorker.filter((one) => one.suite === suite);
  const [chats, fanout] = [of('chats'), of('fanout')];
  return [
    bars(
      'chats',
      'chats: messages, 1,000 groups of two',
      'messages/s (more is better)',
      peers(chats, 'messages_per_s'),
    ),
    bars(
      'chats-cost',
      'chats: processor time, all of the server’s processes',
      'µs for a message (less is better)',
      peers(chats, 'server_us_per_message'),
    ),
    latency(chats),
    bars(
      'fanout',
      'fanout: deliveries, one group of 1,000',
      'deliveries/s (more is better)',
      peers(fanout, 'deliveries_per_s'),
    ),
    bars(
      'http-cost',
      'HTTP: processor time, all of the server’s processes',
      'µs for a request (less is better)',
      each(
        of('http').filter(({ name }) => name !== NOT_AMONG_REQUESTS),
        'server_us_per_request',
      ),
    ),
    bars(
      'connect',
      'Connections, each sent a history of 100 messages (the engine: nothing)',
      'connections/s (more is better)',
      each(of('connect'), 'connects_per_s'),
    ),
    bars(
      'idle',
      'Memory of an open socket that is idle',
      'bytes (less is better)',
      each(of('idle'), 'bytes_per_socket'),
    ),
    ...growth(measurements),
  ].filter((chart) => chart !== undefined);
}

function peers(measurements: readonly Measurement[], metric: string): Bar[] {
  const closed = measurements.filter(({ name }) => CLOSED.includes(name));
  return each(closed, metric)
    .map(({ series: target, value }) => ({ label: target, series: KINDS[target] ?? target, value }))
    .sort((a, b) => b.value - a.value);
}

function each(measurements: readonly Measurement[], metric: string): Bar[] {
  return measurements
    .filter(({ metrics }) => metrics[metric] !== undefined)
    .map(({ name, target, metrics }) => ({ label: name, series: target, value: metrics[metric] ?? 0 }));
}

/** The slowest hundredth against the load that is offered. */
function latency(measurements: readonly Measurement[]): ChartFile | undefined {
  const open = measurements.filter(({ name }) => name.startsWith('open'));
  return lines(
    'chats-latency',
    'chats: from the send to the own echo, 99th percentile',
    { label: 'messages/s, sent at a fixed rate', log: true },
    { label: 'ms (less is better)', log: true },
    open.map(({ target, metrics }) => [target, metrics['messages_per_s'], metrics['echo_p99_ms']]),
  );
}

function growth(measurements: readonly Measurement[]): (ChartFile | undefined)[] {
  return GROWTH.map(([name, parameter, metric, axis]) =>
    lines(
      `growth-${parameter.replaceAll('_', '-')}`,
      `As it grows: ${name}`,
      { label: name, log: true },
      { label: `${axis} (less is better)`, log: false },
      measurements
        .filter((one) => one.suite === 'growth' && one.name === name)
        .map(({ target, parameters, metrics }) => [target, Number(parameters[parameter]), metrics[metric]]),
    ),
  );
}

/** Draws lines through points [series, x, y]. A series with one point makes no line. */
function lines(
  file: string,
  title: string,
  x: Axis,
  y: Axis,
  points: readonly (readonly [string, number | undefined, number | undefined])[],
): ChartFile | undefined {
  const series = [...new Set(points.map(([one]) => one))].sort(inOrder);
  const drawn = series.map((one) => ({
    series: one,
    points: points
      .filter(([own]) => own === one)
      .map(([, at = 0, value = 0]) => [at, value] as const)
      .filter(([at, value]) => at > 0 && value > 0) // A logarithmic axis has no zero.
      .sort(([at], [other]) => at - other),
  }));
  if (drawn.every(({ points: own }) => own.length < 2)) return undefined;
  return { file: `${file}.svg`, title, svg: lineChart({ title, x, y, lines: drawn }) };
}

/** One bar alone compares nothing. */
function bars(file: string, title: string, axis: string, rows: readonly Bar[]): ChartFile | undefined {
  if (rows.length < 2) return undefined;
  const series = [...new Set(rows.map((one) => one.series))].sort(inOrder);
  return { file: `${file}.svg`, title, svg: barChart({ title, series, axis, bars: rows }) };
}

function inOrder(one: string, other: string): number {
  return place(one) - place(other);
}

function place(series: string): number {
  const index = ORDER.indexOf(series);
  return index === -1 ? ORDER.length : index;
}
