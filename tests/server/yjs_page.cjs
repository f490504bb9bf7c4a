// A page with the real Yjs and y-websocket, for test_real_yjs.py. Speaks JSON lines on its output.
const { createRequire } = require('module');
const load = createRequire(process.argv[2]);
const Y = load('yjs');
const { WebsocketProvider } = load('y-websocket');
const WebSocket = load('ws');

const [, , , server, room, token, person] = process.argv;
const say = message => process.stdout.write(JSON.stringify(message) + '\n');
const doc = new Y.Doc();
const cards = doc.getMap('cards');
const provider = new WebsocketProvider(server, room, doc, {
  WebSocketPolyfill: WebSocket,
  disableBc: true,
  params: { token, clientId: String(doc.clientID) }
});
let frames = 0;
provider.on('sync', synced => say({ synced, clientId: doc.clientID }));
provider.on('status', ({ status }) => {
  say({ status });
  if (status === 'connected') {
    provider.awareness.setLocalStateField('user', { username: person });
    provider.ws.addEventListener('message', () => (frames += 1));
  }
});
cards.observeDeep(() => say({ cards: cards.toJSON() }));
provider.awareness.on('change', () =>
  say({ people: [...provider.awareness.getStates().values()].map(state => state.user?.username ?? null) })
);
process.stdin.on('data', data => {
  for (const line of data.toString().split('\n').filter(Boolean)) {
    const order = JSON.parse(line);
    if (order.place) {
      const card = new Y.Map();
      card.set('pos', order.pos);
      cards.set(order.place, card);
    } else if (order.move) {
      cards.get(order.move).set('pos', order.pos);
    } else if (order.leave) {
      provider.disconnect();
    } else if (order.back) {
      provider.connect();
    } else if (order.count) {
      say({ frames });
    } else if (order.end) {
      provider.destroy();
      process.exit(0);
    }
  }
});
