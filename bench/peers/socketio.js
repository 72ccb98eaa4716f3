// The least a broadcast server with Socket.IO on Node can be, to measure beside: it verifies tokens
// (HS256), and has no limits.
//
//   TIDEGATE_SECRET=… NODE_PATH=.tools/node_modules node bench/peers/socketio.js PORT
const { createSecretKey } = require("crypto");
const http = require("http");
const jwt = require("jsonwebtoken");
const { Server } = require("socket.io");

const server = http.createServer((request, response) => {
  if (request.url !== "/api/publish") return response.writeHead(404).end();
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { channel, data } = JSON.parse(Buffer.concat(parts));
    io.to(channel).emit("message", data);
    response.writeHead(200, { "content-type": "application/json", "content-length": 2 });
    response.end("{}");
  });
});

const io = new Server(server, {
  transports: ["websocket"],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});

io.engine.on("connection", (line) => {
  line.room = new URL(line.request.url, "http://x").pathname.split("/")[2];
  // Its manual advises to forget the request where memory matters.
  line.request = null;
});

// Made once: in a text the library looks for a public key first, for every token, which takes
// longer than all the rest of a handshake.
const secret = createSecretKey(Buffer.from(process.env.TIDEGATE_SECRET));

io.use((socket, next) => {
  jwt.verify(socket.handshake.auth.token, secret, { algorithms: ["HS256"] }, (error, claims) => {
    if (error) return next(error);
    socket.data.user = claims.user_id;
    next();
  });
});

// The acknowledgement is written in this same turn, so whoever has it is a member.
io.on("connection", (socket) => socket.join(socket.conn.room));

server.keepAliveTimeout = 60_000;
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
