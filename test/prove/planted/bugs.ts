// biome-ignore-all lint/suspicious/noTemplateCurlyInString: code of the compiled files
import type { Patch } from '../../support/build.js';
import type { Bug } from './bug.js';
import { changeBugs } from './change-bugs.js';

const KILL_LEDGER = ['--faults', 'ledger'];
const CUT = ['--faults', 'cut'];

/** This is no bug: it takes chat sockets for slow ones at random, so that there are some that fall behind. */
export const fallingBehind: readonly Patch[] = [
  {
    file: 'server/hub/backpressure.js',
    from: 'const INSPECT_EVERY_BYTES = 128 * 1024;',
    to: 'const INSPECT_EVERY_BYTES = 4096;',
  },
  {
    file: 'server/hub/backpressure.js',
    from: 'buffered > this.#liveBytesMax)',
    to: "(buffered > this.#liveBytesMax || (socket.kind === 'chat' && Math.random() < 0.3)))",
  },
];

/** This is no bug: it delays answers after the commit, so that faults make clients repeat what is stored. */
const lateAnswers: Patch = {
  file: 'ledger/commit-queue.js',
  from: 'this.#events.committed(newest);',
  to: 'await new Promise((resolve) => setTimeout(resolve, 50)); this.#events.committed(newest);',
};

const LONG_TEXTS = ['--characters', '4000'];

export const bugs: readonly Bug[] = [
  {
    name: 'the ledger answers before it commits',
    changes: [
      {
        file: 'store/sqlite/write/ledger-store.js',
        from: 'this.#sql.begin.run();',
        to: 'if (!this.#db.inTransaction) this.#sql.begin.run();',
      },
      {
        file: 'store/sqlite/write/ledger-store.js',
        from: 'this.#sql.commit.run();',
        to: `if (this.late !== undefined) return { outcomes, newest: this.newest() };
            const isLate = batches.every(({ commands }) => commands.every(({ kind }) => /post|members/.test(kind)));
            if (!isLate) this.#sql.commit.run();
            else this.late = setTimeout(() => { this.late = undefined; this.#sql.commit.run(); }, 300);`,
      },
    ],
    expected: ['lost'],
    args: KILL_LEDGER,
  },
  {
    name: 'the ledger answers when it takes a command',
    changes: [
      {
        file: 'ledger/commit-queue.js',
        from: 'push(batch, answer, applying) {',
        to: `push(batch, answer, applying) {
        if (batch.commands.every(({ kind }) => /post|members/.test(kind))) {
          answer(batch.commands.map(() => ({ ok: {} })));
          setTimeout(() => { this.#queued.push({ batch, answer: () => {}, applying }); this.#schedule(); }, 100);
          return;
        }`,
      },
    ],
    expected: ['lost', 'unanswered'],
    args: KILL_LEDGER,
  },
  {
    name: 'hints are lost, and nobody looks without one',
    changes: [
      {
        file: 'link/server.js',
        from: "const line = encode({ type: 'newest', id: newest });",
        to: "if (Math.random() < 0.9) return; const line = encode({ type: 'newest', id: newest });",
      },
      {
        file: 'server/hub/follower.js',
        from: 'setInterval(() => this.#follow(), LOOK_EVERY_MS)',
        to: 'setInterval(() => undefined, LOOK_EVERY_MS)',
      },
    ],
    expected: ['unseen', 'unanswered'],
    args: ['--faults', 'none', '--rate', '20'],
  },
  {
    name: 'a repeated client_id is not recognised',
    changes: [
      lateAnswers,
      {
        file: 'store/sqlite/write/chat-write-cache.js',
        from: "return this.#clientIds(author, 'messageIds')?.get(clientId);",
        to: 'return undefined;',
      },
    ],
    expected: ['duplicate'],
    args: CUT,
  },
  {
    name: 'the position moves before the entry is passed on, which fails now and then',
    changes: [
      {
        file: 'server/hub/follower.js',
        from: 'bytes += Math.max(this.#events.pass(entry, page), text);',
        to: `this.#position = entry.id;
          if (Math.random() < 0.01) throw new Error('planted');
          bytes += Math.max(this.#events.pass(entry, page), text);`,
      },
      {
        file: 'server/hub/follower.js',
        from: 'this.#end(error);\n        this.#events.failed(error);',
        to: 'this.#behind = true;',
      },
    ],
    expected: ['gap'],
  },
  {
    name: 'a removal acts a while after it passes',
    changes: [
      {
        file: 'server/hub/hub.js',
        from: 'return this.#left(entry.chatId, entry.users);',
        to: 'setTimeout(() => this.#left(entry.chatId, entry.users), 300); return;',
      },
    ],
    expected: ['nonMember'],
  },
  {
    name: 'a resumed socket is shown the message that it has seen',
    changes: [
      {
        file: 'server/hub/sockets.js',
        from: "super(wire, userId, 'after' in start ? start.after : 0, view);",
        to: "super(wire, userId, 'after' in start ? Math.max(0, start.after - 1) : 0, view);",
      },
    ],
    expected: ['repeated'],
    args: CUT,
  },
  {
    name: 'a resumed socket is not shown the first message that it has not seen',
    changes: [
      {
        file: 'server/hub/catch-up/chat-catch-up.js',
        from: 'if (isOpening && isSent)\n            this.#sendHistory(socket, frames,',
        to: 'if (isOpening && isSent) this.#sendHistory(socket, frames.slice(1),',
      },
    ],
    expected: ['gap'],
    args: CUT,
  },
  {
    name: 'a socket goes live, and reads its history afterwards',
    changes: [
      {
        file: 'server/hub/catch-up/catch-up.js',
        from: 'if (this.#ready.size > 0 || this.#hub.backpressure.full)\n            this.#queue(socket);',
        to: 'if (socket.kind === "chat") { socket.subscribe(`c${socket.chatId}`); return void setTimeout(() => this.#queue(socket), 20); } if (this.#ready.size > 0) this.#queue(socket);',
      },
    ],
    expected: ['repeated', 'reordered', 'gap'],
  },
  {
    name: 'a socket reads its history, and goes live a while later',
    changes: [
      {
        file: 'server/hub/catch-up/catch-up.js',
        from: 'this.#hub.goLive(socket, groups);',
        to: 'setTimeout(() => this.#hub.goLive(socket, groups), 20);',
      },
    ],
    expected: ['gap'],
  },
  {
    name: 'a socket that still reads pages is live already',
    changes: [
      {
        file: 'server/hub/catch-up/catch-up.js',
        from: 'const drained = socket.buffered <= DRAINED_BYTES;',
        to: 'const drained = socket.buffered <= DRAINED_BYTES; if (more) socket.subscribe(`c${socket.chatId}`);',
      },
    ],
    expected: ['repeated', 'reordered', 'gap'],
    args: [...LONG_TEXTS, ...CUT],
  },
  {
    name: 'the entries of a page are published out of order',
    changes: [
      {
        file: 'server/hub/follower.js',
        from: 'for (const entry of page.entries) {',
        to: 'for (const entry of [...page.entries.slice(1), ...page.entries.slice(0, 1)]) {',
      },
      {
        file: 'server/hub/follower.js',
        from: 'this.#position = entry.id;',
        to: 'this.#position = Math.max(this.#position, entry.id);',
      },
    ],
    expected: ['reordered'],
    args: ['--faults', 'freeze-ledger'],
  },
  {
    name: 'a batch that was applied is applied again by the next ledger',
    changes: [
      {
        file: 'store/sqlite/write/applied-batches.js',
        from: 'this.#insert.run(batch.worker, batch.number, write(outcomes, now), now);',
        to: '',
      },
      lateAnswers,
    ],
    expected: ['duplicate'],
    args: KILL_LEDGER,
  },
  {
    name: 'the commands of a batch are applied in another order than they came in',
    changes: [
      {
        file: 'link/redelivery-queue.js',
        from: 'this.#queued.splice(0, BATCH_COMMANDS_MAX)',
        to: 'this.#queued.splice(0, BATCH_COMMANDS_MAX).reverse()',
      },
    ],
    expected: ['senderOrder'],
    args: ['--faults', 'ledger,cut'],
  },
  {
    name: 'the answer to a repeat has the time of the repeat',
    changes: [
      lateAnswers,
      {
        file: 'api/encode.js',
        from: `\${head(message, 'message', author, quote)},"duplicate":true}`,
        to: `\${head({ ...message, time: Date.now() }, 'message', author, quote)},"duplicate":true}`,
      },
    ],
    expected: ['disagreeing'],
    args: CUT,
  },
  {
    name: 'a main socket does not hear of the groups that its user joins',
    changes: [
      {
        file: 'server/hub/hub.js',
        from: 'return this.#lastMessages.joined(entry.chatId, entry.users);',
        to: 'return;',
      },
    ],
    expected: ['gap', 'unseen'],
    args: ['--users', '24'],
  },
  {
    name: 'a socket that fell behind stays live',
    changes: [...fallingBehind, { file: 'server/hub/hub.js', from: 'socket.unsubscribeAll();', to: '' }],
    expected: ['repeated', 'reordered'],
  },
  {
    name: 'client ids are forgotten when everything dies',
    changes: [
      lateAnswers,
      {
        file: 'store/sqlite/write/chat-write-cache.js',
        from: '#loadClientIds(chat) {',
        to: '#loadClientIds(chat) { chat.hasClientIds = true; return;',
      },
    ],
    expected: ['duplicate'],
    args: ['--faults', 'primary'],
  },
  {
    name: 'a worker forgets what was not answered when the ledger dies',
    changes: [
      {
        file: 'link/redelivery-queue.js',
        from: 'for (const batch of this.#sent)\n            this.#sendBatch(batch);',
        to: 'this.#sent.length = 0;',
      },
    ],
    expected: ['unanswered'],
    args: KILL_LEDGER,
  },
  ...changeBugs,
];
