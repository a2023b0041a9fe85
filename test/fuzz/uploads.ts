import { Random } from '../../src/prove/random.js';
import { png, pngHead } from '../support/images.js';
import { bodyJson } from './bodies.js';
import { type Creation, creationOf } from './body-model.js';
import type { Input } from './exchanges.js';
import { type Parts, partsOf } from './multipart-model.js';
import { mutated } from './mutation.js';
import type { People } from './requests.js';
import { sizeText } from './rows.js';

const BOUNDARIES = [
  'x',
  '----WebKitFormBoundaryq7zPl0bV2cD8sXyA',
  "a'()+_,-./:=?",
  'b'.repeat(70),
  '--',
  'json',
  '*****',
  "!#$%&'*+-.^_`|~",
];
/** The widths and heights of the photos. */
const SIDES = [1, 100, 1000];
const NO_BOUNDARIES = ['', 'b'.repeat(71), 'a"b', 'é', 'a\\b'];

/** A profile or a group with a photo or without, as multipart that is well-formed or nearly so. */
export function uploadOf(seed: number, number: number, { lane, fresh, users }: People): Input {
  const random = new Random(`${seed}/upload/${number}`);
  const of = random.chance(0.3) ? 'user' : 'group';
  const caller = of === 'user' ? fresh : lane.alice;
  const cast = { owner: caller.id, other: lane.bob.id, users };
  const boundary = random.pick(random.chance(0.97) ? BOUNDARIES : NO_BOUNDARIES);
  const whole = multipart(random, boundary, bodyJson(random, of, `m${number}.`, cast));
  const isMutated = random.chance(0.4);
  const body = isMutated ? mutated(random, whole, whole) : whole;
  const parts = NO_BOUNDARIES.includes(boundary) ? undefined : partsOf(body, boundary);
  const creates = parts && creationOf(of, parts.json, cast);
  const outcome = outcomeOf(parts, creates);
  const quoted = /[^\w-]/.test(boundary) || random.chance(0.3) ? `"${boundary}"` : boundary;
  const head = [
    `POST /api/v1/${of} HTTP/1.1`,
    'Host: parley',
    `Authorization: Bearer ${caller.token}`,
    `Content-Type: multipart/form-data; boundary=${quoted}`,
    `Content-Length: ${body.length}`,
    '',
    '',
  ].join('\r\n');
  return { bytes: Buffer.concat([Buffer.from(head, 'latin1'), body]), caller, ...outcome };
}

function outcomeOf(
  parts: Parts | undefined,
  creates: Creation | undefined,
): Pick<Input, 'status' | 'creates' | 'photo'> {
  if (parts === undefined || creates === undefined) return { status: 400, creates: undefined };
  const { photo } = parts;
  if (photo === undefined || photo.length === 0) return { status: 200, creates };
  const size = pngSize(photo);
  if (size === undefined) return { status: 400, creates: undefined };
  const [width, height] = size;
  const isMade = SIDES.includes(width) && SIDES.includes(height);
  if (isMade && photo.indexOf(png(width, height)) === 0)
    return { status: 200, creates, photo: sizeText(width, height) };
  return { status: undefined, creates: undefined }; // Something happened to it that a decoder may bear.
}

/** The photos of these inputs are PNGs, or were before something happened to them. */
function pngSize(bytes: Buffer): readonly [number, number] | undefined {
  if (bytes.length < 24 || bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') return undefined;
  if (bytes.toString('latin1', 12, 16) !== 'IHDR') return undefined;
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  return width * height > 0 && width * height <= 120_000_000 ? [width, height] : undefined;
}

/** The bytes of a body: the part json, perhaps one with a photo, and what should not be there. */
function multipart(random: Random, boundary: string, json: string): Buffer {
  const parts: Buffer[] = [part(random, ['json'], Buffer.from(json))];
  if (random.chance(0.5)) parts.push(part(random, ['photo', 'me.png'], photo(random)));
  if (random.chance(0.1)) parts.push(random.pick(parts));
  if (random.chance(0.1))
    parts.push(
      part(random, [random.pick(['', 'x', 'Json', 'json ', 'photo\\"', '__proto__'])], Buffer.from(json)),
    );
  if (random.chance(0.03)) for (let n = 0; n < 9; n++) parts.push(part(random, ['x'], Buffer.alloc(0)));
  if (random.chance(0.05)) parts.shift();
  if (random.chance(0.2)) parts.reverse();
  const delimiter = Buffer.from(`--${boundary}`);
  const lines = parts.flatMap((one) => [delimiter, Buffer.from('\r\n'), one, Buffer.from('\r\n')]);
  const end = random.chance(0.97)
    ? Buffer.from(random.pick(['--\r\n', '--', '--\r\nepilogue', '--\r\n\r\n--x--']))
    : Buffer.alloc(0);
  return Buffer.concat([...lines, delimiter, end]);
}

function part(random: Random, [name = '', filename]: readonly string[], content: Buffer): Buffer {
  const quoted = random.chance(0.9) ? `"${name}"` : name;
  const file =
    filename === undefined && random.chance(0.9)
      ? ''
      : `; filename="${filename ?? random.pick(['a.json', '', '../x', 'a\\"; name=\\"photo'])}"`;
  const key = random.pick([
    'Content-Disposition',
    'Content-Disposition',
    'content-disposition',
    'CONTENT-DISPOSITION',
  ]);
  const fields = [`${key}: form-data; name=${quoted}${file}`];
  if (random.chance(0.4))
    fields.push(
      `Content-Type: ${random.pick(['image/png', 'application/json', 'text/plain; charset=utf-16', ''])}`,
    );
  if (random.chance(0.03)) fields.push(`X-Long: ${'x'.repeat(random.pick([500, 8000, 8200, 20_000]))}`);
  if (random.chance(0.03))
    fields.push(
      random.pick([
        'no colon',
        ': no name',
        'Content-Transfer-Encoding: base64',
        'a b: c',
        ' folded',
        'X-2: y',
        'X:\r\n\ty',
      ]),
    );
  if (random.chance(0.1)) fields.reverse();
  return Buffer.concat([Buffer.from(`${fields.join('\r\n')}\r\n\r\n`), content]);
}

function photo(random: Random): Buffer {
  const tail = Buffer.alloc(
    random.pick([0, 1, 100, 100, 1000, 50_000]),
    random.pick(['\0', '\r\n--', 'x\r\n']),
  );
  const [width, height] = [random.pick(SIDES), random.pick(SIDES)];
  const image = random.chance(0.1) ? pngHead(12_001, 10_000) : png(width, height, tail);
  if (random.chance(0.1)) return Buffer.alloc(0);
  return random.chance(0.15) ? mutated(random, image, image) : image;
}
