import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** What a line of a history tells. The order of the lines is the order in which the clients saw it happen. */
export const Event = {
  /** milliseconds since the beginning; stands before what happened then */
  time: 't',
  /** chat, its first members: it was created by the run */
  chat: 'g',
  /** session, user, chat (0: main), `after` or `limit`, its value: a socket is asked for */
  connecting: 'c',
  /** session: its upgrade was accepted */
  open: 'o',
  /** session, id, fingerprint: it was shown a message */
  delivered: 'd',
  /** session, messages, whether `more`: all of a history frame was shown */
  page: 'h',
  /** session, key, fingerprint of the text: handed to the socket, for the first time or again */
  sent: 's',
  /** session, key, id, fingerprint: its echo came, or the answer that it is a duplicate */
  acknowledged: 'k',
  /** session, key, code: an error frame refused it; it is sent again */
  refused: 'e',
  /** session, key: neither came within the time that the contract allows, on an open connection */
  unanswered: 'w',
  /** session: the client stopped reading for a while */
  paused: 'p',
  /** session, close code (or 0: cut by the client) */
  closed: 'x',
  /** chat, user: asked to add (remove) a member; then: it was answered 200 */
  joining: 'j',
  joined: 'J',
  leaving: 'l',
  left: 'L',
  /** what was broken (only told, not judged) */
  fault: 'f',
  /** an answer that the contract does not give there: where, what */
  unexpected: 'u',
  /** everybody is connected, nothing is broken; what is sent from here on must be seen by all */
  calm: 'y',
  /** nobody sends any more, and there was time to deliver; who is connected has seen everything */
  end: 'q',
} as const;

const BUFFER_CHARACTERS = 256 * 1024;
const READ_BYTES = 1024 * 1024;

/** Writes what the clients of a run see, one event a line, fields separated by single spaces. */
export class History {
  readonly file: string;
  readonly #fd: number;
  readonly #now: () => number;
  #buffer = '';
  #time = -1;

  /** `now` gives milliseconds. */
  constructor(file: string, now: () => number) {
    this.file = file;
    this.#fd = openSync(file, 'w');
    this.#now = now;
  }

  add(event: string, ...fields: readonly (string | number)[]): void {
    const time = Math.floor(this.#now());
    if (time !== this.#time) {
      this.#time = time;
      this.#buffer += `${Event.time} ${time}\n`;
    }
    this.#buffer += fields.length === 0 ? `${event}\n` : `${event} ${fields.join(' ')}\n`;
    if (this.#buffer.length > BUFFER_CHARACTERS) this.flush();
  }

  flush(): void {
    writeSync(this.#fd, this.#buffer);
    this.#buffer = '';
  }

  close(): void {
    this.flush();
    closeSync(this.#fd);
  }
}

/** The events of a history file, each split into its fields. */
export function* readHistory(file: string): Generator<readonly string[]> {
  const fd = openSync(file, 'r');
  const bytes = Buffer.alloc(READ_BYTES);
  let rest = '';
  try {
    for (;;) {
      const count = readSync(fd, bytes, 0, READ_BYTES, null);
      if (count === 0) break;
      // Codes, keys and numbers: one byte a character, so a chunk may end anywhere.
      const lines = (rest + bytes.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield line.split(' ');
    }
    if (rest !== '') yield rest.split(' ');
  } finally {
    closeSync(fd);
  }
}
