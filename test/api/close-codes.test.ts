import { expect, it } from 'vitest';
import { ADVICE, CLOSE_CODES } from '../../src/api/close-codes.js';
import { Close, closeCodeOf } from '../../src/api/status.js';
import { ERROR_CODES } from '../../src/chat/errors.js';

/** What the client should do. */
const CONTRACT: Readonly<Record<number, keyof typeof ADVICE>> = {
  1000: 'nothing',
  1001: 'reconnect',
  1008: 'fix',
  1009: 'fix',
  1011: 'resume',
  1012: 'resume',
  4400: 'giveUp',
  4401: 'newToken',
  4403: 'giveUp',
  4404: 'giveUp',
  4409: 'forget',
  4410: 'giveUp',
  4429: 'backOff',
  4503: 'backOff',
};

it('every close code of the contract has its advice, and no other code is there', () => {
  const advice = Object.entries(CLOSE_CODES).map(([code, { client }]) => [code, client]);
  expect(Object.fromEntries(advice)).toEqual(CONTRACT);
});

it('every code that the server closes with is in the table, and every other is one of the protocol itself', () => {
  const used = new Set([...ERROR_CODES.map(closeCodeOf), ...Object.values(Close)]);
  const unused = Object.keys(CLOSE_CODES)
    .map(Number)
    .filter((code) => !used.has(code as never));
  expect(unused).toEqual([1000, 1001]);
});

it('everything is said in sentences', () => {
  for (const { means } of Object.values(CLOSE_CODES)) expect(means).toMatch(/^[A-Z].*\.$/);
  for (const sentence of Object.values(ADVICE)) expect(sentence).toMatch(/^[A-Z].*\.$/);
});
