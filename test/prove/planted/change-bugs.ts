import type { Bug } from './bug.js';

const LEDGER = ['--faults', 'ledger'];
const CUT = ['--faults', 'cut'];
/** Many sockets of few chats on one worker, so that they share its pages. */
const SHARED_PAGES = [...CUT, '--workers', '1', '--users', '6', '--rate', '100', '--fault-every', '20'];
/** Bugs in what becomes of edits, deletions, reactions and answers. */
export const changeBugs: readonly Bug[] = [
  {
    name: 'an edit is told of, and its message keeps the text from before',
    changes: [
      {
        file: 'store/sqlite/write/message-changes.js',
        from: 'changed(target, command, changeId, text, { ...extra, version, editedAt: now })',
        to: 'changed(target, command, changeId, before, { ...extra, version, editedAt: now })',
      },
    ],
    expected: ['lost', 'disagreeing'],
  },
  {
    name: 'a resumed socket is not told of changes of messages that it has',
    changes: [
      {
        file: 'server/hub/catch-up/step.js',
        from: 'return isChange && (messageId > position ||',
        to: 'return isChange && (messageId > 0 ||',
      },
    ],
    expected: ['outdated'],
    args: CUT,
  },
  {
    name: 'the change that another one superseded is kept for those who resume, and not the new one',
    changes: [
      {
        file: 'store/sqlite/write/message-changes.js',
        from: 'supersede(before.changeId);',
        to: 'supersede(changeId);',
      },
    ],
    expected: ['outdated'],
    args: CUT,
  },
  {
    name: 'pages stay encoded after an edit of what they show',
    changes: [
      {
        file: 'server/hub/pages.js',
        from: "case 'message_edited':",
        to: "case 'message_edited': return;",
      },
    ],
    expected: ['stale'],
    args: SHARED_PAGES,
  },
  {
    name: 'pages stay encoded after the deletion of what they show',
    changes: [
      {
        file: 'server/hub/pages.js',
        from: "case 'message_edited':\n            case 'message_deleted':",
        to: "case 'message_deleted': return;\n            case 'message_edited':",
      },
    ],
    expected: ['stale'],
    args: SHARED_PAGES,
  },
  {
    name: 'what an answer quotes is read once',
    changes: [
      {
        file: 'store/sqlite/read/messages.js',
        from: 'const quoted = quote.get(replyTo);',
        to: `const known = (globalThis.quotes ??= new Map());
            const quoted = known.get(replyTo) ?? quote.get(replyTo);
            known.set(replyTo, quoted);`,
      },
    ],
    expected: ['stale'],
    args: CUT,
  },
  {
    name: 'a ledger that was started again counts reactions from the beginning',
    changes: [
      {
        file: 'store/sqlite/write/message-changes.js',
        from: 'const reactions = extra?.reactions ?? [];',
        to: 'const counts = (globalThis.reactionCounts ??= new Map()); const reactions = counts.get(id) ?? [];',
      },
      {
        file: 'store/sqlite/write/message-changes.js',
        from: 'const after = counted(reactions, emoji, isOn ? 1 : -1);',
        to: 'const after = counted(reactions, emoji, isOn ? 1 : -1); counts.set(id, after);',
      },
    ],
    expected: ['miscounted'],
    args: LEDGER,
  },
  {
    name: 'readers are told that they have not reacted',
    changes: [
      {
        file: 'server/hub/pages.js',
        from: '(emoji) => own.has(reactionKey(messageId, emoji))',
        to: '() => false',
      },
    ],
    expected: ['outdated'],
    args: CUT,
  },
  {
    name: 'everybody is told of changes, whether they asked for that or not',
    changes: [
      {
        file: 'server/hub/hub.js',
        from: "if (socket.view === 'full')",
        to: '',
      },
    ],
    expected: ['uninvited'],
  },
  {
    name: 'live sockets are not told of deletions',
    changes: [
      {
        file: 'server/hub/hub.js',
        from: "case 'message_deleted':",
        to: "case 'message_deleted': if (entry.kind === 'message_deleted') return;",
      },
    ],
    expected: ['outdated', 'unanswered'],
  },
  {
    name: 'an edit is stored twice when it is sent again',
    changes: [
      {
        file: 'store/sqlite/write/message-changes.js',
        from: 'if (isRepeated(target, command))\n                return unchanged(target);\n            if (command.text === before)',
        to: 'if (false)',
      },
      {
        file: 'ledger/commit-queue.js',
        from: 'this.#events.committed(newest);',
        to: 'await new Promise((resolve) => setTimeout(resolve, 50)); this.#events.committed(newest);',
      },
    ],
    expected: ['duplicate'],
    args: CUT,
  },
];
