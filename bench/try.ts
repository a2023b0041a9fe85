import { runLoad } from './load/load.js';
import type { ClosedLoop, OpenLoop } from './load/plan.js';
import { startParley, tokenOf, withDataDir } from './targets/parley.js';
import { startEngine } from './targets/peers.js';
import { populate } from './targets/population.js';

const [, , what = 'chats', who = 'engine', load = 'closed1', secondsText = '5', prof = ''] = process.argv;
const plan: ClosedLoop | OpenLoop = load.startsWith('closed')
  ? { kind: 'closed', window: Number(load.slice(6)) }
  : { kind: 'open', perSecond: Number(load.slice(4)) };
const shape =
  what === 'chats'
    ? Array.from({ length: 1000 }, (_, i) => [2 * i + 1, 2 * i + 2])
    : [Array.from({ length: 1000 }, (_, i) => i + 1)];
const sendersPer = what === 'chats' ? 1 : Number(process.env['SENDERS'] ?? 64);
const durationMs = Number(secondsText) * 1000;
const common = { connectingMax: 50, load: plan, warmupMs: 2000, durationMs };
const show = (o: Awaited<ReturnType<typeof runLoad>>) =>
  console.log(
    who,
    what,
    load,
    JSON.stringify({
      msgs: Math.round(o.echoed / o.seconds),
      del: Math.round(o.delivered / o.seconds),
      serverUs: +((o.serverSeconds / o.echoed) * 1e6).toFixed(1),
      serverCores: +(o.serverSeconds / o.seconds).toFixed(2),
      loadUs: +((o.processorSeconds / o.echoed) * 1e6).toFixed(1),
      loadCores: +(o.processorSeconds / o.seconds).toFixed(2),
      echo: o.echo,
      others: o.others,
      connectMs: Math.round(o.connectMs),
    }),
  );
if (who === 'engine') {
  const target = await startEngine();
  show(
    await runLoad(target, {
      dialect: 'plain',
      ...common,
      sockets: shape.flatMap((m, g) =>
        m.map((_, i) => ({ path: `/room/${g}`, chat: g, sends: i < sendersPer })),
      ),
    }),
  );
  await target.stop();
} else {
  await withDataDir(async (dataDir) => {
    const { groups } = await populate(dataDir, Math.max(...shape.flat()), shape);
    const sockets = [];
    for (const { id, members } of groups)
      for (const [i, user] of members.entries())
        sockets.push({
          path: `/api/v1/group/${id}`,
          token: await tokenOf(user),
          chat: id,
          sends: i < sendersPer,
        });
    const target = await startParley({
      workers: 1,
      dataDir,
      node: process.env['NODEARGS']?.split(' ') ?? (prof ? ['--cpu-prof', `--cpu-prof-dir=${prof}`] : []),
    });
    show(await runLoad(target, { dialect: 'parley', ...common, sockets }));
    await target.stop();
  });
}
process.exit(0);
