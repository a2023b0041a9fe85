import type { MetricRef } from '../goal.js';
import type { Ratio } from './verdict.js';

const at = (suite: string, name: string, target: string, metric: string): MetricRef => ({
  suite,
  name,
  target,
  metric,
});

/** What is published in one tick leaves as one write for each socket, as what parley commits together does. */
const ENGINE_PER_TICK = 'engine (per tick)';
const FANOUT = 'closed, 64 senders';

/** What the guard watches: a few that move when anything on a message's or a request's way gets slower. */
export const RATIOS: readonly Ratio[] = [
  {
    name: 'chats: messages/s against the bare engine',
    better: 'higher',
    quantity: {
      of: at('chats', 'closed', 'parley', 'messages_per_s'),
      to: at('chats', 'closed', 'engine', 'messages_per_s'),
    },
  },
  {
    name: 'chats: processor time for a message against the bare engine',
    better: 'lower',
    quantity: {
      of: at('chats', 'closed', 'parley', 'server_us_per_message'),
      to: at('chats', 'closed', 'engine', 'server_us_per_message'),
    },
  },
  {
    name: 'fanout: deliveries/s against the bare engine',
    better: 'higher',
    quantity: {
      of: at('fanout', FANOUT, 'parley', 'deliveries_per_s'),
      to: at('fanout', FANOUT, ENGINE_PER_TICK, 'deliveries_per_s'),
    },
  },
  {
    name: 'GET /user: processor time for a request against the bare engine',
    better: 'lower',
    quantity: {
      of: at('http', 'GET /user', 'parley', 'server_us_per_request'),
      to: at('http', 'GET /hello', 'engine', 'server_us_per_request'),
    },
  },
  {
    name: 'ledger: messages/s in batches of 64 against plain inserts',
    better: 'higher',
    quantity: {
      of: at('inserts', 'batches of 64', 'parley', 'messages_per_s'),
      to: at('inserts', 'batches of 64', 'sqlite', 'messages_per_s'),
    },
  },
  {
    name: 'resume: messages/s against deliveries/s of the bare engine',
    better: 'higher',
    quantity: {
      of: at('connect', 'resume, one at a time', 'parley', 'messages_per_s'),
      to: at('fanout', FANOUT, ENGINE_PER_TICK, 'deliveries_per_s'),
    },
  },
];
