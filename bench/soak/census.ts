import { readdirSync } from 'node:fs';
import type { Runtime } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Sizes by name: `Hub.#rooms` of a collection, `Hub` of how many there are. */
export type Census = Readonly<Record<string, number>>;

type Class = abstract new (...args: never[]) => unknown;
/** V8 tells of private fields too, of which Node's types do not know. */
type Field = Pick<Runtime.PropertyDescriptor, 'name' | 'value'>;
type Properties = Runtime.GetPropertiesReturnType & { readonly privateProperties?: readonly Field[] };

const COLLECTION = /^(?:Map|Set|Array)\((\d+)\)$/;
const HANDED_OVER = '__class_of_census';

/** All classes that the modules of these folders export. */
export async function classesOf(folders: readonly string[]): Promise<Map<string, Class>> {
  const classes = new Map<string, Class>();
  for (const folder of folders) {
    const files = readdirSync(folder).filter((file) => /(?<!\.d|-thread)\.[jt]s$/.test(file));
    for (const file of files) {
      const exports: Record<string, unknown> = await import(pathToFileURL(join(folder, file)).href);
      for (const [name, value] of Object.entries(exports)) if (isClass(value)) classes.set(name, value);
    }
  }
  return classes;
}

/**
 * Counts what is alive of these classes in this process, and what their Maps, Sets and arrays hold, private ones too.
 * Asked of V8 itself (which collects all garbage before), so that nobody has to keep count.
 */
export async function census(classes: ReadonlyMap<string, Class>): Promise<Census> {
  const session = new Session();
  session.connect();
  const found: Record<string, number> = {};
  const add = (name: string, size: number) => {
    found[name] = (found[name] ?? 0) + size;
  };
  try {
    for (const { className, objectId } of await instancesOf(session, classes)) {
      add(className, 1);
      for (const { name, value } of await fieldsOf(session, objectId)) {
        const size = COLLECTION.exec(value?.description ?? '')?.[1];
        if (size !== undefined) add(`${className}.${name}`, Number(size));
      }
    }
  } finally {
    session.disconnect();
  }
  return found;
}

/** What V8 calls them. All objects are asked for at once: each time takes a collection of garbage. */
async function instancesOf(
  session: Session,
  classes: ReadonlyMap<string, Class>,
): Promise<{ className: string; objectId: string }[]> {
  const prototypes = new Set([...classes.values()].map((one) => one.prototype));
  Object.assign(globalThis, { [HANDED_OVER]: { prototypes, all: Object.prototype } });
  const { result: all } = await session.post('Runtime.evaluate', { expression: `${HANDED_OVER}.all` });
  const { objects } = await session.post('Runtime.queryObjects', { prototypeObjectId: all.objectId ?? '' });
  const { result: ours } = await session.post('Runtime.callFunctionOn', {
    objectId: objects.objectId ?? '',
    functionDeclaration: `function () {
      return this.filter((one) => ${HANDED_OVER}.prototypes.has(Reflect.getPrototypeOf(one)));
    }`,
  });
  Reflect.deleteProperty(globalThis, HANDED_OVER);
  const fields = await fieldsOf(session, ours.objectId ?? '');
  return fields.flatMap(({ name, value }) =>
    /^\d+$/.test(name) && value?.objectId !== undefined
      ? { className: value.className ?? '', objectId: value.objectId }
      : [],
  );
}

async function fieldsOf(session: Session, objectId: string): Promise<readonly Field[]> {
  const { result, privateProperties = [] } = (await session.post('Runtime.getProperties', {
    objectId,
    ownProperties: true,
  })) as Properties;
  return [...result, ...privateProperties];
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
