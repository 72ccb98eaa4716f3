// The least a broadcast server with `ws` on Node can be, to measure beside: no tokens, no limits.
//
//   NODE_PATH=.tools/node_modules node bench/peers/ws.js PORT
const http = require("http");
const { WebSocketServer, Sender } = require("ws");

const channels = new Map();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

const server = http.createServer((request, response) => {
  if (request.url !== "/api/publish") return response.writeHead(404).end();
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { channel, data } = JSON.parse(Buffer.concat(parts));
    // Framed once for all and written at once, which `ws` itself does not do.
    const pieces = Sender.frame(Buffer.from(JSON.stringify(data)), {
      fin: true,
      rsv1: false,
      opcode: 1,
      mask: false,
      readOnly: false,
    });
    const whole = Buffer.concat(pieces);
    for (const socket of channels.get(channel) ?? []) socket._socket.write(whole);
    response.writeHead(200, { "content-type": "application/json", "content-length": 2 });
    response.end("{}");
  });
});

server.on("upgrade", (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (client) => {
    const channel = new URL(request.url, "http://x").pathname.slice("/ws/bench/".length);
    if (!channels.has(channel)) channels.set(channel, new Set());
    channels.get(channel).add(client);
    client.on("close", () => channels.get(channel).delete(client));
    client.on("error", () => {});
  });
});

server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
