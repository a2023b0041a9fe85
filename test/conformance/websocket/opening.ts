import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { say, text } from './frame.js';
import type { Handshake } from './handshakes.js';
import { addressOf, HANDSHAKE_KEY, type Stage } from './stage.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, 1.3

const EXAMPLE: Handshake = { what: 'as it should be', section: '1.3', status: 101 };
/** Connections at a time. */
const AT_ONCE = 16;

/** The head of a request, in lines. */
function linesOf(stage: Stage, handshake: Handshake): string[] {
  const { change = {}, more = [], method = 'GET', version = 'HTTP/1.1' } = handshake;
  const { path = addressOf(stage.path), spelled = (name: string, value: string) => `${name}: ${value}` } =
    handshake;
  const headers: Record<string, string | undefined> = { ...stage.headers, ...change };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [spelled(name, value)],
  );
  return [`${method} ${path} ${version}`, ...lines, ...more];
}

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64');
}

/** Makes a handshake and expects its answer; one that is accepted is shown to be by a message that is answered. */
export async function shake(stage: Stage, handshake: Handshake): Promise<void> {
  const { change = {}, answer = {}, status } = handshake;
  const peer = await stage.dial();
  peer.write(`${linesOf(stage, handshake).join('\r\n')}\r\n\r\n`);
  await peer.answered();
  const key = change['Sec-WebSocket-Key'] ?? HANDSHAKE_KEY;
  const switched = {
    Upgrade: ['websocket'],
    Connection: ['Upgrade'],
    'Sec-WebSocket-Accept': [acceptOf(key)],
  };
  const named: Record<string, readonly string[]> = { ...(status === 101 && switched), ...answer };
  const got = Object.fromEntries(Object.keys(named).map((name) => [name, peer.header(name)]));
  expect({ status: peer.status, ...got }, peer.head).toEqual({ status, ...named });
  if (status === 101) {
    await peer.did('history');
    peer.write(text(say('hello')));
    await peer.did('message hello');
    expect(peer.steps).toEqual(['history', 'message hello']);
  }
  peer.cut();
}

/** A good handshake whose headers come byte by byte, or in two writes, the first of so many bytes. */
export async function shakeInPieces(stage: Stage, cut: 'byte by byte' | number): Promise<void> {
  const [first = '', ...lines] = linesOf(stage, EXAMPLE);
  const rest = `${lines.join('\r\n')}\r\n\r\n`;
  const peer = await stage.dial();
  const pieces = cut === 'byte by byte' ? [...rest] : [rest.slice(0, cut), rest.slice(cut)];
  peer.write(`${first}\r\n`);
  for (const piece of pieces) {
    await pause(1);
    peer.write(piece);
  }
  await peer.answered();
  expect(peer.status, `cut: ${cut}`).toBe(101);
  await peer.did('history');
  peer.cut();
}

/** A good handshake in two writes, for every place between two bytes of its headers. */
export async function shakeInTwo(stage: Stage): Promise<void> {
  const [, ...lines] = linesOf(stage, EXAMPLE);
  const places = Array.from({ length: lines.join('\r\n').length + 3 }, (_, n) => n + 1);
  while (places.length > 0) {
    await Promise.all(places.splice(0, AT_ONCE).map((place) => shakeInPieces(stage, place)));
  }
}

/** A good handshake with a message right behind it, for whose answer the client should have waited. */
export async function shakeInHaste(stage: Stage): Promise<void> {
  const peer = await stage.dial();
  const head = `${linesOf(stage, EXAMPLE).join('\r\n')}\r\n\r\n`;
  peer.write(Buffer.concat([Buffer.from(head), text(say('in haste'))]));
  await peer.did('history');
  peer.write(text(say('in time')));
  await peer.did('message in time');
  expect(peer.steps).toEqual(['history', 'message in time']);
  peer.cut();
}
