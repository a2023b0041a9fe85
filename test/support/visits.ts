import type { Connection } from '../../src/store/sqlite/database.js';

/** Counts the rows that statements look at, whether these are in their results or not. */
export class Visits {
  #count = 0;
  readonly #db: Connection;

  constructor(db: Connection) {
    this.#db = db;
    // SQLite calls it once for each row that a statement looks at, because it is not deterministic.
    db.function('visited', { deterministic: false }, () => {
      this.#count += 1;
      return 1;
    });
  }

  /** The same connection, on which every statement is counted. */
  get connection(): Connection {
    return new Proxy(this.#db, {
      get(target, property) {
        if (property === 'prepare') return (sql: string) => target.prepare(counted(sql));
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** Asks a question, and counts the rows that it visits. */
  of<T>(question: () => T): { readonly answer: T; readonly visits: number } {
    this.#count = 0;
    const answer = question();
    return { answer, visits: this.#count };
  }
}

/** The statement with each visited row counted, which changes neither its result nor its plan. */
function counted(sql: string): string {
  if (sql.includes('WHERE')) return sql.replaceAll('WHERE', 'WHERE visited() AND');
  return sql.replace('ORDER BY', 'WHERE visited() ORDER BY');
}
