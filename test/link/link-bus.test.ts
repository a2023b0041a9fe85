import { connectLink, TestLedger, temporaryFolder } from '../support/ledger.js';
import { busContract } from './bus-contract.js';

busContract('the link, over a real unix socket', async () => {
  const folder = await temporaryFolder();
  const ledger = await TestLedger.start(folder.path);
  const members = await Promise.all([
    connectLink(folder.path),
    connectLink(folder.path),
    connectLink(folder.path),
  ]);
  return {
    members: members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]],
    hint: (newest) => ledger.server.hint(newest),
    close: async () => {
      for (const member of members) member.close();
      await ledger.stop();
      await folder.remove();
    },
  };
});
