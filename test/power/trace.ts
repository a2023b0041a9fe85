/** A system call of a traced process, as strace tells it. Its effect happened somewhere in begun … ended. */
export interface Call {
  readonly name: string;
  /** As printed, without the outer brackets. */
  readonly args: string;
  /** Undefined when the process was killed inside the call. */
  readonly result: number | undefined;
  /** The line at which the call was entered. */
  readonly begun: number;
  /** The line at which it had returned; infinite when it never did. */
  readonly ended: number;
}

const UNFINISHED = ' <unfinished ...>';
const RETURNED = /^(.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)/s;
const RESUMED = /^<\.\.\. (\w+) resumed>/;

/**
 * Reads what `strace -f -y -o` wrote, in the order in which the calls were entered. Lines are numbered from
 * `firstLine` on, so that the traces of several processes, one after the other, have one time.
 */
export function readCalls(text: string, firstLine: number): { calls: Call[]; nextLine: number } {
  const calls: Call[] = [];
  const open = new Map<string, { index: number; name: string; args: string; begun: number }>();
  let line = firstLine;
  for (let from = 0; from < text.length; line++) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    const space = text.indexOf(' ', from);
    const thread = text.slice(from, space);
    const rest = text.slice(space + 1, to).trimStart();
    from = to + 1;
    const resumed = RESUMED.exec(rest);
    if (resumed !== null) {
      const call = open.get(thread);
      if (call === undefined) throw new Error(`line ${line} resumes what was not begun`);
      open.delete(thread);
      calls[call.index] = { ...call, ...returned(call.args + rest.slice(resumed[0].length), line) };
    } else if (/^\w+\(/.test(rest)) {
      const bracket = rest.indexOf('(');
      const name = rest.slice(0, bracket);
      const args = rest.slice(bracket + 1);
      if (rest.endsWith(UNFINISHED)) {
        const begun = args.slice(0, -UNFINISHED.length);
        open.set(thread, { index: calls.length, name, args: begun, begun: line });
        calls.push({ name, args: begun, result: undefined, begun: line, ended: Number.POSITIVE_INFINITY });
      } else {
        calls.push({ name, begun: line, ...returned(args, line) });
      }
    }
  }
  return { calls, nextLine: line };
}

function returned(text: string, line: number): Pick<Call, 'args' | 'result' | 'ended'> {
  const match = RETURNED.exec(text);
  const value = match?.[2];
  const args = match?.[1] ?? text;
  if (value === undefined || value === '?')
    return { args, result: undefined, ended: Number.POSITIVE_INFINITY };
  return { args, result: Number(value), ended: line };
}

/** What the call's first argument, a file descriptor, leads to; undefined when it has no name any more. */
export function openFile(call: Call): string | undefined {
  const match = /^\d+<([^>]*)>(\(deleted\))?/.exec(call.args);
  return match?.[2] === undefined ? match?.[1] : undefined;
}

/** The call's quoted arguments, in order: paths, or the bytes that it writes. */
export function strings(call: Call): Buffer[] {
  const { args } = call;
  const found: Buffer[] = [];
  for (let at = args.indexOf('"'); at !== -1; at = args.indexOf('"', at)) {
    const { bytes, end } = unquote(args, at + 1);
    if (args.startsWith('...', end)) throw new Error(`line ${call.begun}: strace cut a string off`);
    found.push(bytes);
    at = end;
  }
  return found;
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12 };

/** Reads a string as C writes it, up to its closing quote. */
function unquote(text: string, start: number): { bytes: Buffer; end: number } {
  const bytes = Buffer.allocUnsafe(text.length - start);
  let length = 0;
  let at = start;
  for (; text[at] !== '"'; at++) {
    if (at >= text.length) throw new Error('a string without an end');
    let byte = text.charCodeAt(at);
    if (text[at] === '\\') {
      at += 1;
      byte = text.charCodeAt(at);
      if (byte >= 48 && byte <= 55) {
        byte -= 48;
        for (let digits = 1; digits < 3 && /[0-7]/.test(text[at + 1] ?? ''); digits++) {
          at += 1;
          byte = byte * 8 + text.charCodeAt(at) - 48;
        }
      } else {
        byte = ESCAPES[text[at] ?? ''] ?? byte;
      }
    }
    bytes[length++] = byte;
  }
  return { bytes: bytes.subarray(0, length), end: at + 1 };
}
