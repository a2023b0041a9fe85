import { parentPort, workerData } from 'node:worker_threads';
import { openWriter } from '../database.js';
import type { CheckpointLook } from './checkpoint.js';

/** The thread behind Checkpointer: on each message one PASSIVE checkpoint, and what came of it. */
const db = openWriter(String(workerData));
const checkpoint = db.prepare<[], { log: number }>('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', () => {
  parentPort?.postMessage(look());
});

function look(): CheckpointLook {
  try {
    return { walPages: checkpoint.get()?.log ?? 0 };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { error: { code, message } }; // An Error would arrive without its code.
  }
}
