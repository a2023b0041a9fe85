import { FAULTS } from './faults/faults.js';

/** What `prove --help` prints. */
export const USAGE = `usage: npm run prove -- [options]

Virtual users send messages, edit and delete them, react, connect and reconnect, and are added to groups and removed,
while parts of the server are killed and frozen. Then everything that every client saw is checked against what is
stored. The exit code is 0 when all counts are 0.

  --url <http://host:port>  a server that runs already, with the JWT secret that is configured here; of the faults
                            only "cut" is possible (default: the run starts a server for itself)
  --data-dir <folder>       with --url: the DATA_DIR of that server, to read its database too
  --seed <text>             the same seed makes the same workload and faults (default: the time)
  --messages <n>            the run goes on until this many are acknowledged (default 0)
  --seconds <n>             and for this long (default 600)
  --users <n>               (default 60)
  --rate <n>                messages and changes of messages a second, about (default 1000)
  --workers <n>             (default 2)
  --redis <no|yes|both>     whether the run starts a Redis too (redis-server must be installed); both: one run
                            without it and one with it (default)
  --faults <list>           such as worker,ledger:100,freeze; a number: at least this often; none: no faults
  --fault-every <ms>        from one recovery to the next fault, on average (default 1000)
  --answer-ms <n>           a message or change that is not answered for this long counts (default 15000)
  --characters <n>          texts of up to this many characters (default: most are short)
  --program <main.js>       the server to start (default: this one)
  --campaign                1,000,000 acknowledged messages through 200 worker, 100 ledger, 50 primary and 50 Redis
                            kills and some more; the report goes to bench/results/campaign
  --report <folder>         writes report.md and report.json there
  --keep                    keeps the history and the server's folder also when all counts are 0

Faults:
${Object.entries(FAULTS)
  .map(([name, what]) => `  ${name.padEnd(15)} ${what}`)
  .join('\n')}
  freeze          all faults that freeze`;
