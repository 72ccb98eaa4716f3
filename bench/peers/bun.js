// The least a broadcast server on Bun can be, for measuring beside: no tokens, no limits.
//
//   bun bench/peers/bun.js PORT
Bun.serve({
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  async fetch(request, server) {
    const path = new URL(request.url).pathname;
    if (path.startsWith("/ws/bench/")) {
      const channel = path.slice("/ws/bench/".length);
      return server.upgrade(request, { data: channel })
        ? undefined
        : new Response("no", { status: 400 });
    }
    if (path === "/api/publish") {
      const { channel, data } = await request.json();
      server.publish(channel, JSON.stringify(data));
      return new Response("{}", { headers: { "content-type": "application/json" } });
    }
    return new Response("no", { status: 404 });
  },
  websocket: {
    perMessageDeflate: false,
    idleTimeout: 0,
    open(socket) {
      socket.subscribe(socket.data);
    },
    message() {},
  },
});
