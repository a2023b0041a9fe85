import { describe, expect, it } from 'vitest';
import { leaksIn, noteText, takeLeaks, watch } from './support/leaks.js';
import { SECRET } from './support/server.js';
import { forge } from './support/tokens.js';

const token = forge({ alg: 'HS256' }, { sub: 1 });
const text = 'a "text" of\nseveral lines';
const line = (entry: object) => `{"level":"info"}\n${JSON.stringify(entry)}\n{"level":"info"}\n`;

describe('a leak in a log is found', () => {
  it.each([
    { what: 'a token', entry: { msg: `refused ${token}` } },
    { what: 'a token', entry: { path: `/x?t=${token.slice(0, 40)}` } },
    { what: 'a token in a query', entry: { path: '/main?access_token=x' } },
    { what: 'an Authorization', entry: { headers: { authorization: 'Bearer 0123456789' } } },
    { what: 'an Authorization', entry: { protocol: 'chat.v1, bearer.0123456789' } },
    { what: 'a secret', entry: { jwt: { secret: SECRET } } },
    { what: "a message's text", entry: { command: { text } } },
    { what: "a message's text", entry: { frame: JSON.stringify({ type: 'message', text }) } },
    { what: "a message's text", entry: { err: { stack: `Error: ${text}\n    at x` } } },
  ])('$what: $entry', ({ what, entry }) => {
    const leaks = leaksIn(line(entry), [SECRET], [text, 'another text']);
    expect(leaks).toEqual([expect.stringContaining(`${what}: {`)]);
    expect(leaks[0]).toContain(JSON.stringify(entry).slice(0, 30));
  });

  it('also when it is not in a line of JSON', () => {
    expect(leaksIn(`Error: ${text}\n    at x\n`, [], [text])).toEqual([
      'a message\'s text: Error: a "text" of',
    ]);
  });

  it('and nothing else is one', () => {
    const entry = {
      msg: 'ready',
      path: '/api/v1/user',
      err: { message: 'a Bearer token is required' },
      text: '…',
    };
    expect(leaksIn(line(entry), [SECRET, ''], [text, 'ready', 'x'])).toEqual([]);
  });

  it('by what is watched, with all that was said', () => {
    const output = { text: '' };
    const look = () => {
      watch(output, [SECRET]);
      noteText('said by somebody');
      return takeLeaks();
    };
    expect(look()).toEqual([]);
    output.text = line({ heard: 'said by somebody' });
    expect(look()).toEqual([expect.stringContaining("a message's text: ")]);
    expect(takeLeaks()).toEqual([]);
  });
});
