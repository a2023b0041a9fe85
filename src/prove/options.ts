import { parseArgs } from 'node:util';
import { OperatorError } from '../operator-error.js';
import { FAULTS, isFault, ofRedis, type Plan } from './faults/nemesis.js';

export interface Options {
  /** A deployment that runs already; undefined: one of the run's own. */
  readonly url: string | undefined;
  /** Of that deployment, to read its database as well. */
  readonly dataDir: string | undefined;
  /** The server to start: its main.js. */
  readonly program: string | undefined;
  readonly seed: string;
  /** Ends when this many are acknowledged … */
  readonly messages: number;
  /** … and this long has passed, and the faults came as often as was asked for. */
  readonly seconds: number;
  readonly users: number;
  readonly workers: number;
  /** Runs, one after the other: without and with a Redis. */
  readonly redis: readonly boolean[];
  readonly rate: number;
  /** A send that is neither acknowledged nor refused for this long, on an open connection, is counted. */
  readonly answerMs: number;
  /** Texts have up to this many characters; undefined: most are short, some long. */
  readonly characters: number | undefined;
  readonly faults: readonly Plan[];
  readonly faultEveryMs: number;
  readonly report: string | undefined;
  readonly keep: boolean;
}

export const USAGE = `usage: npm run prove -- [options]

Virtual users talk, connect and reconnect, are added and removed; meanwhile parts of the server are killed and
frozen. Then everything that every client saw is held against what is stored. Exit code 0: all counts are 0.

  --url <http://host:port>  a deployment that runs already, with the JWT secret that is configured here;
                            of the faults only "cut" is possible. Default: a server of the run's own
  --data-dir <folder>       with --url: that deployment's DATA_DIR, to read its database too
  --seed <text>             the same seed makes the same workload and faults (default: the time)
  --messages <n>            go on until so many are acknowledged (default 0)
  --seconds <n>             and for so long (default 600)
  --users <n>               (default 60)     --rate <n>  messages a second, about (default 1000)
  --workers <n>             (default 2)
  --redis <no|yes|both>     with a Redis of the run's own (redis-server must be installed); both, which is the
                            default: one run without, one with
  --faults <list>           such as worker,ledger:100,freeze; a number: at least so often; none: no faults
  --fault-every <ms>        from one recovery to the next fault, on average (default 1000)
  --answer-ms <n>           what is not answered for so long counts (default 15000)
  --characters <n>          texts of up to so many characters (default: most are short)
  --program <main.js>       the server to start (default: this one)
  --campaign                1,000,000 acknowledged messages through 200 worker, 100 ledger, 50 primary and 50 Redis
                            kills and some more; the report goes to bench/results/campaign
  --report <folder>         writes report.md and report.json there
  --keep                    keeps the history and the server's folder also when all is well

Faults:
${Object.entries(FAULTS)
  .map(([name, what]) => `  ${name.padEnd(15)} ${what}`)
  .join('\n')}
  freeze          all that freeze`;

/** What --campaign stands for; what is given beside it comes after, and stands above it. */
const CAMPAIGN = [
  ['--redis', 'yes'],
  ['--messages', '1000000'],
  ['--seconds', '0'],
  ['--users', '60'],
  ['--rate', '1500'],
  [
    '--faults',
    'worker:200,ledger:100,primary:50,redis:50,freeze-worker:30,freeze-ledger:30,freeze-redis:20,redis-clients:20,cut:30',
  ],
  ['--fault-every', '300'],
  ['--report', 'bench/results/campaign'],
].flat();

const REDIS = { no: [false], yes: [true], both: [false, true] } as const;

/** Throws an ExpectedError that says what is wrong. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const isCampaign = args.includes('--campaign');
  const { values } = parse(isCampaign ? [...CAMPAIGN, ...args] : args);
  if (values.help) return 'help';
  const number = (name: string, text: string | undefined, otherwise: number) => {
    if (text === undefined) return otherwise;
    if (!/^\d+$/.test(text)) throw new OperatorError(`--${name} must be a whole number\n${USAGE}`);
    return Number(text);
  };
  const ownServer = values.url === undefined;
  const redis = values.redis ?? (ownServer ? 'both' : 'no');
  if (redis !== 'no' && redis !== 'yes' && redis !== 'both') {
    throw new OperatorError(`--redis must be no, yes or both\n${USAGE}`);
  }
  if (!ownServer && redis !== 'no') throw new OperatorError("--redis needs a server of the run's own");
  return {
    url: values.url?.replace(/\/$/, ''),
    dataDir: values['data-dir'],
    program: values.program,
    seed: values.seed ?? String(Date.now()),
    messages: number('messages', values.messages, 0),
    seconds: number('seconds', values.seconds, 600),
    users: Math.max(6, number('users', values.users, 60)),
    workers: Math.max(1, number('workers', values.workers, 2)),
    redis: REDIS[redis],
    rate: number('rate', values.rate, 1000),
    answerMs: number('answer-ms', values['answer-ms'], 15_000),
    characters: values.characters === undefined ? undefined : number('characters', values.characters, 0),
    faults: plansOf(values.faults, ownServer, redis !== 'no'),
    faultEveryMs: number('fault-every', values['fault-every'], 1000),
    report: values.report,
    keep: values.keep ?? false,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: { type: 'string' },
        'data-dir': { type: 'string' },
        program: { type: 'string' },
        seed: { type: 'string' },
        messages: { type: 'string' },
        seconds: { type: 'string' },
        users: { type: 'string' },
        workers: { type: 'string' },
        redis: { type: 'string' },
        rate: { type: 'string' },
        faults: { type: 'string' },
        'answer-ms': { type: 'string' },
        characters: { type: 'string' },
        'fault-every': { type: 'string' },
        report: { type: 'string' },
        keep: { type: 'boolean' },
        campaign: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new OperatorError(`${(error as Error).message}\n${USAGE}`);
  }
}

/** Without a list: all that this deployment can be done. */
function plansOf(list: string | undefined, ownServer: boolean, redis: boolean): Plan[] {
  const isPossible = (fault: string) =>
    isFault(fault) && (ownServer ? redis || !ofRedis(fault) : fault === 'cut');
  const all = Object.keys(FAULTS).filter(isPossible);
  if (list === 'none') return [];
  const names = (list?.split(',') ?? all).flatMap((item) => {
    const [name = '', times = '0'] = item.split(':');
    const faults = name === 'freeze' ? all.filter((fault) => fault.startsWith('freeze-')) : [name];
    return faults.map((fault) => ({ fault, times: Number(times) }));
  });
  return names.map(({ fault, times }) => {
    if (!isFault(fault) || !Number.isInteger(times) || times < 0) {
      throw new OperatorError(`--faults: there is no fault ${fault}\n${USAGE}`);
    }
    if (!isPossible(fault)) {
      throw new OperatorError(
        `--faults: ${fault} needs ${ownServer ? '--redis yes' : "a server of the run's own"}`,
      );
    }
    return { fault, times };
  });
}
