import { parentPort, workerData } from 'node:worker_threads';
import { openWriter } from './database.js';

/** The thread behind Checkpointer: on each message one PASSIVE checkpoint, answered with the log's pages. */
const db = openWriter(String(workerData));
const checkpoint = db.prepare<[], { log: number }>('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', () => {
  parentPort?.postMessage(checkpoint.get()?.log ?? 0);
});
