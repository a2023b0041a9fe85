import { isUtf8 } from 'node:buffer';
import { field, isObject, isText, readJson, showsNothing } from './json-model.js';

/** How a session ends once all is sent: it goes on, waits for the rest of a frame, or the server has ended it. */
export type Fate = 'stays' | 'waits' | 'closed' | 'cut';

export interface Said {
  readonly text: string;
  readonly clientId: string | undefined;
}

/** What the bytes of a session must lead to. */
export interface Expected {
  /** Everything but messages, in order: `error <code>`, `pong <hex>`, `answer <id>`, `close <code>`. */
  readonly answers: readonly string[];
  /** `message <text>`, and `duplicate <text>` for what was said before, in order. */
  readonly echoes: readonly string[];
  /** What is stored, in order. */
  readonly stored: readonly Said[];
  readonly fate: Fate;
}

const FRAME_MAX = 60 * 1024;
const ENGINE_MAX = 64 * 1024;
const BAD_MAX = 10;
const TEXT_MAX = 4096;
const CLIENT_ID_MAX = 64;
const REMEMBERED_MAX = 64;
/** Close codes that the engine says again; for others its answer is empty. */
const isEchoed = (code: number) =>
  (code >= 1000 && code <= 1011 && code !== 1004 && code !== 1005 && code !== 1006) ||
  (code >= 4000 && code <= 4999);

/** What the server knows when the session begins. */
export interface Scene {
  /** Otherwise the socket is one of `main`. */
  readonly ofChat: boolean;
  /** Whether a token is a valid one of the same user. */
  readonly isToken: (token: string) => boolean;
  /** Client ids of the chat, and what was said with them. */
  readonly remembered: Map<string, string>;
}

/** The application's side: what one data frame of a client means on a socket of a chat, or of `main`. */
class Application {
  readonly answers: string[] = [];
  readonly echoes: string[] = [];
  readonly stored: Said[] = [];
  readonly #ofChat: boolean;
  readonly #isToken: (token: string) => boolean;
  readonly #remembered: Map<string, string>;
  #bad = 0;

  constructor({ ofChat, isToken, remembered }: Scene) {
    this.#remembered = remembered;
    this.#ofChat = ofChat;
    this.#isToken = isToken;
  }

  /** True when the server ends the socket. */
  takes(payload: Buffer, binary: boolean): boolean {
    if (payload.length > FRAME_MAX) return this.#closes(1009);
    const error = this.#refusal(payload, binary);
    if (error === undefined) return false;
    this.answers.push(`error ${error}`);
    this.#bad += 1;
    return this.#bad >= BAD_MAX && this.#closes(1008);
  }

  #closes(code: number): true {
    this.answers.push(`close ${code}`);
    return true;
  }

  #refusal(payload: Buffer, binary: boolean): string | undefined {
    const read = binary ? undefined : readJson(payload.toString());
    if (read === undefined || !isObject(read.value)) return 'invalid_frame';
    const frame = read.value;
    const type = field(frame, 'type');
    if (type === 'auth') {
      const token = field(frame, 'token');
      if (typeof token !== 'string') return 'invalid_field';
      return this.#isToken(token) ? undefined : 'unauthorized';
    }
    if (type === 'ping') return this.#pings(field(frame, 'id'));
    if (!this.#ofChat) return 'unknown_type';
    if (type === 'typing' || type === 'stop_typing') return undefined;
    if (type !== 'message') return 'unknown_type';
    const text = field(frame, 'text');
    const clientId = field(frame, 'client_id');
    if (!isText(text, 1, TEXT_MAX) || showsNothing(text)) return 'invalid_field';
    if (clientId !== undefined && !isText(clientId, 1, CLIENT_ID_MAX)) return 'invalid_field';
    // No frame has a good one.
    if (field(frame, 'reply_to') !== undefined || !isNobody(field(frame, 'mentions'))) return 'invalid_field';
    this.#says({ text, clientId });
    return undefined;
  }

  #pings(id: unknown): string | undefined {
    if (id !== undefined && !Number.isSafeInteger(id) && !isText(id, 1, CLIENT_ID_MAX))
      return 'invalid_field';
    this.answers.push(`answer ${JSON.stringify(id)}`);
    return undefined;
  }

  #says(said: Said): void {
    const first = said.clientId === undefined ? undefined : this.#remembered.get(said.clientId);
    if (first !== undefined) {
      this.echoes.push(`duplicate ${first}`);
      return;
    }
    if (said.clientId !== undefined) this.#remembered.set(said.clientId, said.text);
    const [oldest = ''] = this.#remembered.keys();
    if (this.#remembered.size > REMEMBERED_MAX) this.#remembered.delete(oldest);
    this.stored.push(said);
    this.echoes.push(`message ${said.text}`);
  }
}

/** Whether a list of mentions is absent or empty. */
function isNobody(mentions: unknown): boolean {
  return mentions === undefined || (Array.isArray(mentions) && mentions.length === 0);
}

/**
 * Reads the bytes of a client as RFC 6455 asks, but where the engine is known to differ (DEVIATIONS of the conformance
 * suite): the mask bit is not looked at, any form of length is taken, a binary frame may stand inside a message, and
 * after a ping or pong in its middle a text frame too.
 */
export function expectedOf(bytes: Buffer, scene: Scene): Expected {
  const application = new Application(scene);
  const end = (fate: Fate): Expected => {
    const { answers, echoes, stored } = application;
    return { answers, echoes, stored, fate };
  };
  /** Data frames that have begun and not ended: their opcodes. */
  const open: number[] = [];
  let lastFin = true;
  let message: Buffer[] = [];
  let at = 0;
  for (;;) {
    // With two open, the engine takes no third that begins, not even a ping.
    if (at === bytes.length) return end(open.length === 2 ? 'waits' : 'stays');
    if (bytes.length - at < 6) return end('waits');
    const first = bytes[at] ?? 0;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const fin = first >= 0x80;
    const opcode = first & 0xf;
    const control = opcode >= 8;
    if ((first & 0x70) !== 0 || (opcode > 2 && opcode < 8) || opcode > 10) return end('cut');
    if (control && (!fin || short > 125)) return end('cut');
    const head = short < 126 ? 6 : short === 126 ? 8 : 14;
    if (bytes.length - at < head) return end('waits');
    if (opcode === 0 ? open.length === 0 : open.length === 2 || (!lastFin && opcode < 2)) return end('cut');
    if (opcode !== 0) open.push(opcode);
    lastFin = fin;
    const length =
      short < 126
        ? short
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : Number(bytes.readBigUInt64BE(at + 2));
    if (length > ENGINE_MAX) return end('cut');
    const key = bytes.subarray(at + head - 4, at + head);
    const sent = bytes.subarray(at + head, at + head + length);
    const isWhole = sent.length === length;
    const payload = Buffer.from(sent);
    for (let index = 0; index < payload.length; index++)
      payload[index] = (payload[index] ?? 0) ^ (key[index % 4] ?? 0);
    const kind = open.at(-1) ?? 0;
    if (control) {
      if (!isWhole) return end('waits');
      open.pop();
      if (opcode === 9) application.answers.push(`pong ${payload.toString('hex')}`.trimEnd());
      if (opcode === 8) {
        const code = payload.length < 2 ? 0 : payload.readUInt16BE(0);
        const echoed = isEchoed(code) && isUtf8(payload.subarray(2));
        application.answers.push(echoed ? `close ${code}` : 'close');
        return end('closed');
      }
    } else {
      message.push(payload);
      const size = message.reduce((sum, piece) => sum + piece.length, 0);
      if (size > ENGINE_MAX) return end('cut');
      if (!isWhole) return end('waits');
      if (fin) {
        const whole = Buffer.concat(message);
        if (kind === 1 && !isUtf8(whole)) return end('cut');
        message = [];
        open.pop();
        if (application.takes(whole, kind === 2)) return end('closed');
      }
    }
    at += head + length;
  }
}
