import { parentPort, workerData } from 'node:worker_threads';
import { openWriter } from '../database.js';
import type { CheckpointResult } from './checkpoint.js';

/** The thread of Checkpointer. It answers each message with the result of one PASSIVE checkpoint. */
const db = openWriter(String(workerData));
const checkpoint = db.prepare<[], { log: number }>('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', () => {
  parentPort?.postMessage(run());
});

function run(): CheckpointResult {
  try {
    return { walPages: checkpoint.get()?.log ?? 0 };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { error: { code, message } }; // An Error would lose its code on the way.
  }
}
