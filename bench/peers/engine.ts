import { App, us_socket_local_port } from 'uWebSockets.js';

/**
 * The bare engine: publishes what it gets to the room, as it came, and stores nothing; and answers a GET. What
 * any server on it can reach at most.
 */
interface Session {
  readonly room: string;
}

const app = App();
app.ws<Session>('/room/:id', {
  compression: 0,
  idleTimeout: 120,
  maxBackpressure: 64 * 1024 * 1024,
  upgrade: (res, req, context) => {
    const room = req.getParameter(0) ?? '';
    const [key, protocol, extensions] = [
      'sec-websocket-key',
      'sec-websocket-protocol',
      'sec-websocket-extensions',
    ];
    res.upgrade<Session>(
      { room },
      req.getHeader(key ?? ''),
      req.getHeader(protocol ?? ''),
      req.getHeader(extensions ?? ''),
      context,
    );
  },
  open: (ws) => {
    ws.subscribe(ws.getUserData().room);
    ws.send('{"type":"ready"}');
  },
  message: (ws, data) => {
    app.publish(ws.getUserData().room, data);
  },
});
app.get('/hello', (res) => {
  res.end('Hello, World!');
});
app.listen('127.0.0.1', 0, (socket) => {
  if (socket) console.log(`listening on http://127.0.0.1:${us_socket_local_port(socket)}`);
});
