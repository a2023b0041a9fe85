import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** The first word of a history's line, each with the fields that follow. Lines stand in the order of what happened. */
export const Event = {
  /** milliseconds since the run began; the line stands before all that happened in that millisecond */
  time: 'time',
  /** chat, its first members: the run created it */
  chat: 'chat',
  /**
   * session, user, chat (0: main), `after` or `limit`, its value, reader, `plain` or `full`: a client begins to connect.
   * All sessions of one socket of a client have the same reader, who remembers what the earlier ones have shown.
   */
  connecting: 'connecting',
  /** session: its upgrade was accepted */
  open: 'open',
  /** session, id, fingerprint, hash of the text, version, reactions: the client was shown a message */
  delivered: 'delivered',
  /** session, id, fingerprint: the client was shown the place of a deleted message */
  tombstone: 'tombstone',
  /** session, the message that quotes, the message that it answers, whose key and edit the quote has (`-`: none) */
  quoted: 'quoted',
  /** session, id, message, version, hash of the text, reactions (absent in a live frame): an edit was shown */
  edited: 'edited',
  /** session, id, message: a deletion was shown */
  deleted: 'deleted',
  /** session, id, message, user, emoji, `on` (0 or 1), count: a reaction was shown */
  reaction: 'reaction',
  /** session, id, message, reactions: all reactions to a message of before were shown */
  reactions: 'reactions',
  /** session, what: a connection that did not ask for changes of messages was shown something of them */
  uninvited: 'uninvited',
  /** session, number of messages, `more` (0 or 1): a whole history frame was shown */
  page: 'page',
  /** session, key, hash of the text, the message that it answers (0: none): a message was sent, for the first time or again */
  sent: 'sent',
  /** session, key, id, fingerprint: the echo of a message came, or the answer that it is a duplicate */
  acknowledged: 'acknowledged',
  /** session, key, message, `edit`, `delete` or `react`, what: a change was sent, for the first time or again */
  changing: 'changing',
  /** session, key: the echo of a change came, or the answer that it was made before, or the message has it */
  changed: 'changed',
  /** session, key, code: an error frame refused a message or a change, which is sent again if the code says so */
  refused: 'refused',
  /** session, key: no answer came in the time that the run allows, while the connection stayed open */
  unanswered: 'unanswered',
  /** session: the client stopped reading for a while */
  paused: 'paused',
  /** session, close code (0 when the client cut the connection) */
  closed: 'closed',
  /** chat, user: somebody asked to add the user */
  joining: 'joining',
  /** chat, user: the addition was answered 200 */
  joined: 'joined',
  /** chat, user: somebody asked to remove the user */
  leaving: 'leaving',
  /** chat, user: the removal was answered 200 */
  left: 'left',
  /** the fault's name; it is there for the reader, and the checker passes over it */
  fault: 'fault',
  /** where, what: an answer that the contract does not give there */
  unexpected: 'unexpected',
  /** everybody is connected and nothing is broken; all must see what is sent from here on */
  calm: 'calm',
  /** nobody sends any more, and there was time to deliver: whoever is connected has seen everything */
  end: 'end',
} as const;

const BUFFER_CHARACTERS = 256 * 1024;
const READ_BYTES = 1024 * 1024;

/** Writes what the clients of a run see, one event a line, with single spaces between the fields. */
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
      // Latin-1 makes one character of each byte, so a piece may end anywhere; names, keys and numbers are ASCII.
      const lines = (rest + bytes.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield line.split(' ');
    }
    if (rest !== '') yield rest.split(' ');
  } finally {
    closeSync(fd);
  }
}
