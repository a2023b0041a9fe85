/** Gives the fields of a change that are not undefined. */
export function given<T extends object>(changes: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(changes).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** Gives the file that no row names after a change, if there is one. */
export function replacedPhoto(before: string | null, after: string | null): { replaced?: string } {
  return before === null || before === after ? {} : { replaced: before };
}
