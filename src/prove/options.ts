import { parseArgs } from 'node:util';
import { OperatorError } from '../operator-error.js';
import { FAULTS, type FaultPlan, isFault, needsRedis } from './faults/faults.js';
import { USAGE } from './usage.js';

export interface Options {
  /** The URL of a server that runs already; undefined: the run starts a server for itself. */
  readonly url: string | undefined;
  /** The DATA_DIR of the server at `url`, when its database can be read. */
  readonly dataDir: string | undefined;
  /** The main.js of the server to start; undefined: that of this program. */
  readonly program: string | undefined;
  readonly seed: string;
  /** A run ends when this many messages are acknowledged, `seconds` are over, and all faults came about. */
  readonly messages: number;
  readonly seconds: number;
  readonly users: number;
  readonly workers: number;
  /** One run for each value, one after the other: true for a run with Redis. */
  readonly redis: readonly boolean[];
  /** Messages and changes of messages per second that all users together send. */
  readonly rate: number;
  /** A message or change that is neither acknowledged nor refused for this long, on an open connection, counts. */
  readonly answerMs: number;
  /** Texts have up to this many characters; undefined: most are short, and some are long. */
  readonly characters: number | undefined;
  readonly faults: readonly FaultPlan[];
  /** The mean time between the recovery from one fault and the next fault. */
  readonly faultEveryMs: number;
  /** The folder that the reports are written into. */
  readonly report: string | undefined;
  readonly keep: boolean;
}

/** The options that --campaign stands for; those that are given beside it come later, and override them. */
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

/** Errors: an OperatorError that says what is wrong with the options. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const isCampaign = args.includes('--campaign');
  const values = parse(isCampaign ? [...CAMPAIGN, ...args] : args);
  if (values.help) return 'help';
  const number = (name: NumberOption, otherwise: number) => numberOf(values, name) ?? otherwise;
  const startsServer = values.url === undefined;
  const redis = values.redis ?? (startsServer ? 'both' : 'no');
  if (redis !== 'no' && redis !== 'yes' && redis !== 'both') {
    throw new OperatorError(`--redis must be no, yes or both\n${USAGE}`);
  }
  if (!startsServer && redis !== 'no') throw new OperatorError('--redis cannot go with --url');
  return {
    url: values.url?.replace(/\/$/, ''),
    dataDir: values['data-dir'],
    program: values.program,
    seed: values.seed ?? String(Date.now()),
    messages: number('messages', 0),
    seconds: number('seconds', 600),
    users: Math.max(6, number('users', 60)),
    workers: Math.max(1, number('workers', 2)),
    redis: REDIS[redis],
    rate: number('rate', 1000),
    answerMs: number('answer-ms', 15_000),
    characters: numberOf(values, 'characters'),
    faults: plansOf(values.faults, startsServer, redis !== 'no'),
    faultEveryMs: number('fault-every', 1000),
    report: values.report,
    keep: values.keep ?? false,
  };
}

type Values = ReturnType<typeof parse>;
type NumberOption =
  | 'messages'
  | 'seconds'
  | 'users'
  | 'workers'
  | 'rate'
  | 'answer-ms'
  | 'characters'
  | 'fault-every';

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
    }).values;
  } catch (error) {
    throw new OperatorError(`${(error as Error).message}\n${USAGE}`);
  }
}

function numberOf(values: Values, name: NumberOption): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new OperatorError(`--${name} must be a whole number\n${USAGE}`);
  return Number(text);
}

/** The faults of a list such as `worker,ledger:100,freeze`; all that are possible when there is no list. */
function plansOf(list: string | undefined, startsServer: boolean, withRedis: boolean): FaultPlan[] {
  const isPossible = (fault: string) =>
    isFault(fault) && (startsServer ? withRedis || !needsRedis(fault) : fault === 'cut');
  const all = Object.keys(FAULTS).filter(isPossible);
  if (list === 'none') return [];
  const plans = (list?.split(',') ?? all).flatMap((item) => {
    const [name = '', times = '0'] = item.split(':');
    const faults = name === 'freeze' ? all.filter((fault) => fault.startsWith('freeze-')) : [name];
    return faults.map((fault) => ({ fault, times: Number(times) }));
  });
  return plans.map(({ fault, times }) => {
    if (!isFault(fault) || !Number.isInteger(times) || times < 0) {
      throw new OperatorError(`--faults: there is no fault ${fault}\n${USAGE}`);
    }
    if (!isPossible(fault)) {
      throw new OperatorError(
        `--faults: ${fault} ${startsServer ? 'needs --redis yes' : 'cannot go with --url'}`,
      );
    }
    return { fault, times };
  });
}
