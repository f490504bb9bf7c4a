// The floor of `board_fanout`: a bare `ws` server that sends each frame on to everyone, and no CRDT.
const { createRequire } = require('module');
const { WebSocketServer } = createRequire(process.argv[2])('ws');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () =>
  console.log(server.address().port)
);
server.on('connection', socket =>
  socket.on('message', data => {
    if (data[0] === 0 && data[1] === 0) {
      socket.send(Buffer.from([0, 1, 2, 0, 0])); // an empty answer to the first question
      return;
    }
    for (const client of server.clients) {
      client.send(data, { binary: true });
    }
  })
);
