import { WebSocket, WebSocketServer } from 'ws';

/**
 * The `ws` library: what a socket sends goes to everybody in its room, the sender too, as in the broadcast of its
 * README: the same buffer for all, compression off. Stores nothing.
 */
const rooms = new Map<string, Set<WebSocket>>();

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket, { url = '' }) => {
  const members = rooms.get(url) ?? new Set();
  rooms.set(url, members.add(socket));
  socket.on('close', () => members.delete(socket));
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, binary) => {
    for (const member of members) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary });
    }
  });
  socket.send('{"type":"ready"}');
});
server.on('listening', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on a port');
  console.log(`listening on http://127.0.0.1:${address.port}`);
});
