import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon, { type Request } from 'autocannon';
import { percentiles, record } from './latency.js';
import { noisePng } from './photo.js';
import type { FromRequests, RequestPlan, RequestsPlan } from './requests.js';

const BOUNDARY = 'parley-bench';

/** Autocannon in a process of its own, so that it shares no event loop with what measures. */
process.once('message', (plan: RequestsPlan) => {
  run(plan).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));

async function run(plan: RequestsPlan): Promise<void> {
  const { port, connections, method, expectedBody, warmupMs, durationMs } = plan;
  const latency = createHistogram();
  let measuring = false;
  let answered = 0;
  let wrong = '';
  const options: autocannon.Options = {
    url: `http://127.0.0.1:${port}`,
    connections,
    pipelining: 1,
    duration: Math.ceil((warmupMs + durationMs) / 1000) + 60, // It is stopped before.
    method,
    requests: [requestOf(plan)],
    ...(expectedBody !== undefined && { verifyBody: (body: unknown) => body === expectedBody }),
  };
  let instance!: autocannon.Instance;
  const ended = new Promise<autocannon.Result>((resolve, reject) => {
    instance = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)));
  });
  instance.on('response', (_client, status, _bytes, ms) => {
    if (status < 200 || status > 299) wrong ||= `a status of ${status}`;
    if (!measuring) return;
    answered += 1;
    record(latency, ms);
  });
  instance.on('reqError', (error: unknown) => {
    wrong ||= String(error);
  });

  await sleep(warmupMs);
  tell({ type: 'measuring' });
  const before = process.cpuUsage();
  const begin = performance.now();
  measuring = true;
  await sleep(durationMs);
  measuring = false;
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(before);
  tell({ type: 'measured' });
  instance.stop();
  const { errors, timeouts, mismatches } = await ended;
  if (wrong !== '' || errors + timeouts + mismatches > 0 || answered === 0) {
    throw new Error(
      `${errors} errors, ${timeouts} timeouts, ${mismatches} unexpected answers, ${answered} answered; ${wrong}`,
    );
  }
  const result = {
    seconds,
    answered,
    latency: percentiles(latency),
    processorSeconds: (user + system) / 1e6,
  };
  tell({ type: 'result', result });
}

function requestOf({ requests, tokens }: RequestsPlan): Request {
  const photos = new Map<number, Buffer>();
  const photoOf = (bytes: number) => {
    const photo = photos.get(bytes) ?? noisePng(bytes);
    photos.set(bytes, photo);
    return photo;
  };
  const parts = ({ path, caller, form }: RequestPlan): Request => ({
    path,
    headers: {
      authorization: `Bearer ${tokens[caller]}`,
      ...(form && { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }),
    },
    ...(form && { body: multipart(form.json, photoOf(form.photoBytes)) }),
  });
  if (!Array.isArray(requests)) return parts(requests as RequestPlan);
  const rest = requests.values();
  return {
    setupRequest: (request) => {
      const { value, done } = rest.next();
      if (done) throw new Error('the list of requests is too short');
      return { ...request, ...parts(value) };
    },
  };
}

function multipart(json: string, photo: Buffer): Buffer {
  const part = (name: string, rest: string) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${rest}\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(`${part('json', '')}${json}\r\n`),
    Buffer.from(part('photo', '; filename="photo.png"\r\nContent-Type: image/png')),
    photo,
    Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
  ]);
}

function tell(message: FromRequests): void {
  process.send?.(message);
}
