// Connection state recovery, with the client that Socket.IO's own authors ship: whoever comes back
// hears what it has missed, once and in order, or is told that it begins anew.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { io } from 'socket.io-client'
import WebSocket from 'ws'

import { API_KEY, start, token, until, WITHIN } from './gate.js'

let gate
before(async () => { gate = await start('tests/outside/configs/recovery.toml') })
after(() => gate.close())

const open = []
after(() => open.forEach((it) => it.close()))

const LOGS = ['log:1', 'log:2', 'log:3', 'log:4']

/** A client that writes down what it hears: the channel's name and a number. */
async function enter(user, { where = '/socket.io/', auth, ...how } = {}) {
  const said = { transports: ['websocket'], forceNew: true, reconnectionDelay: 10, ...how }
  const shown = auth ?? { token: token(user) }
  const socket = io(gate.page('').replace(/\/$/, ''), { path: where, auth: shown, ...said })
  open.push(socket)
  socket.heard = []
  socket.came = []
  socket.on('message', ({ channel, n }, at) => {
    assert.equal(typeof at, 'string')
    socket.heard.push(`${channel} ${n}`)
  })
  socket.on('connect', () => socket.came.push(Boolean(socket.recovered)))
  await until(() => socket.connected, 'the first connect')
  return socket
}

let said = 0
const counts = new Map()

/** The next number of a channel. */
async function publish(channel) {
  const n = (counts.get(channel) ?? 0) + 1
  counts.set(channel, n)
  said += 1
  const answer = await gate.ask('POST', '/api/publish', { channel, data: { channel, n } }, API_KEY)
  assert.equal(answer.status, 200)
  return `${channel} ${n}`
}

async function publishAll(count, channels = LOGS) {
  const all = []
  for (let n = 0; n < count; n++) all.push(await publish(channels[n % channels.length]))
  return all
}

/** The network goes away under it. */
const lose = (socket) => socket.io.engine.transport.ws?.terminate?.() ?? socket.io.engine.close()

/** Out of reach until it is told to come back. */
async function away(socket, meanwhile) {
  const gone = until(() => !socket.connected, 'the loss of the connection')
  socket.io.reconnection(false)
  lose(socket)
  await gone
  const result = await meanwhile()
  socket.io.reconnection(true)
  const before = socket.came.length
  socket.connect()
  await until(() => before < socket.came.length, 'the next connect')
  return result
}

const ofChannel = (heard, channel) => heard.filter((it) => it.startsWith(`${channel} `))

/** Every channel's messages once and in order. Between channels there is no order to keep. */
function assertHeard(socket, expected) {
  const channels = new Set(expected.map((it) => it.split(' ')[0]))
  for (const channel of channels) {
    assert.deepEqual(ofChannel(socket.heard, channel), ofChannel(expected, channel))
  }
  assert.equal(socket.heard.length, expected.length)
}

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  const way = transports.join(' then ')

  test(`${way}: whoever was away hears what it has missed, in all its channels`, async () => {
    const socket = await enter(1, { transports })
    const heard = await publishAll(10)
    await until(() => socket.heard.length === 10, 'what is said while it is here')
    const pid = socket._pid
    const missed = await away(socket, () => publishAll(30))
    assert.deepEqual(socket.came, [false, true])
    assert.equal(socket._pid, pid)
    await until(() => 40 <= socket.heard.length, 'what was said while it was away')
    heard.push(...missed, ...await publishAll(5))
    await until(() => 45 <= socket.heard.length, 'what is said when it is back')
    assertHeard(socket, heard)
    socket.close()
  })
}

// While messages keep coming, in any moment: in the middle of what it is sent again, too.
for (const transports of [['websocket'], ['polling']]) {
  test(`${transports}: none is lost and none is heard twice, whenever it is cut off`, async () => {
    const sockets = await Promise.all([2, 3, 4].map((it) => enter(it, { transports })))
    let done = false
    const cut = async (socket, every) => {
      for (let n = 0; !done; n++) {
        const before = socket.came.length
        const waits = socket.heard.length + every + n % 7
        await until(() => done || waits <= socket.heard.length, 'some to be heard')
        lose(socket)
        await until(() => before < socket.came.length, 'the next connect')
      }
    }
    const cutting = sockets.map((it, n) => cut(it, 1 + 9 * n))
    const all = []
    for (let n = 0; n < 60; n++) {
      all.push(...(await Promise.all(LOGS.flatMap((it) => [publish(it), publish(it)]))))
    }
    done = true
    await Promise.all(cutting)
    for (const socket of sockets) {
      await until(() => all.length <= socket.heard.length, 'all that was said')
      assertOnce(socket, all, transports)
      assert.ok(3 < socket.came.length, 'it was cut off a few times')
      assert.deepEqual([...new Set(socket.came.slice(1))], [true])
      socket.close()
    }
  })
}

// More events than an outbox holds, and each says where its client is in all the channels that it
// has not caught up in.
for (const transports of [['websocket'], ['polling']]) {
  test(`${transports}: whoever has missed much in many channels is not buried`, async () => {
    const many = Array.from({ length: 32 }, (_, n) => `log:m${n}`)
    const socket = await enter(15, { transports, where: '/many/' })
    const heard = [await publish(many[0])]
    await until(() => socket.heard.length === 1, 'what is said while it is here')
    heard.push(...await away(socket, async () => {
      const missed = []
      for (let n = 0; n < 40; n++) missed.push(...await Promise.all(many.map(publish)))
      return missed
    }))
    assert.deepEqual(socket.came, [false, true])
    await until(() => socket.heard.length === heard.length, 'what was said meanwhile')
    assertHeard(socket, heard)
    socket.close()
  })
}

/**
 * A client of our own that is cut off after any event: of what one connection brings it takes the
 * first few for heard, and comes back from there as if the rest had never arrived.
 */
async function hearInPieces(user, all, dice, isIn) {
  const heard = []
  let [pid, offset] = []
  let due = Date.now() + WITHIN
  while (heard.length < all()) {
    assert.ok(Date.now() < due, `nothing new for ${WITHIN} ms after ${heard.length} events`)
    const url = gate.page('/socket.io/?EIO=4&transport=websocket').replace('http', 'ws')
    const socket = new WebSocket(url)
    const brought = []
    await new Promise((enough, failed) => {
      const most = 1 + Math.floor(dice() * 40)
      // Whoever has heard nothing yet has no place to come back to.
      const idle = setTimeout(() => (offset || 0 < brought.length ? enough() : idle.refresh()), 100)
      socket.on('error', failed)
      socket.on('message', (data) => {
        const text = data.toString()
        if (text === '2') socket.send('3')
        if (text[0] === '0') socket.send(`40${JSON.stringify({ token: token(user), pid, offset })}`)
        if (text.startsWith('44')) failed(new Error(text))
        if (text.startsWith('40')) {
          const told = JSON.parse(text.slice(2)).pid
          if (pid !== undefined && told !== pid) failed(new Error('it begins anew'))
          pid = told
          isIn()
        }
        if (text.startsWith('42')) {
          idle.refresh()
          brought.push(JSON.parse(text.slice(2)))
          if (brought.length === most) enough()
        }
      })
    })
    socket.terminate()
    const least = offset ? 0 : 1
    const kept = brought.slice(0, Math.max(least, Math.round(dice() * brought.length)))
    for (const [, { channel, n }, at] of kept) {
      heard.push(`${channel} ${n}`)
      offset = at
      due = Date.now() + WITHIN
    }
  }
  return heard
}

test('cut off after any event, it goes on with the next', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const dice = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
  const all = []
  let done = false
  const end = () => (done ? all.length : Infinity)
  const pieces = []
  for (const user of [11, 12, 13]) {
    await new Promise((isIn) => pieces.push(hearInPieces(user, end, dice, isIn)))
  }
  for (let n = 0; n < 40; n++) {
    const some = LOGS.flatMap((it) => [it, it, it, it])
    all.push(...(await Promise.all(some.map((it) => publish(it)))))
  }
  done = true
  for (const heard of await Promise.all(pieces)) assertOnce({ heard }, all, `seed ${seed}`)
})

/** As they were numbered, whatever the order in which their answers came. */
function assertOnce(socket, all, what) {
  const byNumber = (a, b) => a.split(' ')[1] - b.split(' ')[1]
  const expected = LOGS.flatMap((it) => ofChannel(all, it).sort(byNumber))
  for (const channel of LOGS) {
    const heard = ofChannel(socket.heard, channel)
    assert.equal(new Set(heard).size, heard.length, `${what}: one twice in ${heard.join()}`)
  }
  assert.deepEqual([...socket.heard].sort(), expected.sort(), what)
}

test('a process that is killed is no reason to miss anything', async () => {
  const socket = await enter(5)
  const before = await publishAll(4)
  await until(() => socket.heard.length === 4, 'what is said at first')
  // What a session is in is on disk within a second, and at once when the process ends in peace.
  await away(socket, () => gate.restart('SIGTERM'))
  before.push(...await publishAll(8))
  await until(() => socket.heard.length === 12, 'what is said before')
  const missed = await away(socket, async () => {
    const some = await publishAll(6)
    await gate.restart('SIGKILL')
    return [...some, ...await publishAll(6)]
  })
  assert.deepEqual(socket.came, [false, true, true])
  await until(() => socket.heard.length === 24, 'what was said meanwhile')
  assertHeard(socket, [...before, ...missed])
  // And who was here when it was killed, and comes back by itself.
  const died = socket.came.length
  await gate.restart('SIGKILL')
  await until(() => died < socket.came.length, 'the next connect')
  assert.deepEqual(socket.came, [false, true, true, true])
  const after = await publishAll(4)
  await until(() => socket.heard.length === 28, 'what is said after')
  assertHeard(socket, [...before, ...missed, ...after])
  socket.close()
})

test('what is kept in memory is recovered until the process ends', async () => {
  const [both, channels] = [{ where: '/memory/' }, ['memory:1', 'log:1']]
  const socket = await enter(6, both)
  const heard = await publishAll(4, channels)
  await until(() => socket.heard.length === 4, 'what is said while it is here')
  heard.push(...await away(socket, () => publishAll(6, channels)))
  assert.deepEqual(socket.came, [false, true])
  await until(() => socket.heard.length === 10, 'what was said meanwhile')
  assertHeard(socket, heard)
  await away(socket, () => gate.restart('SIGTERM'))
  assert.deepEqual(socket.came, [false, true, false], 'it is not told that it lacks nothing')
  socket.close()
})

test('whoever lacks something begins anew, and is told only what comes', async () => {
  const few = await enter(7, { where: '/few/' })
  await publish('few:1')
  await until(() => few.heard.length === 1, 'what is said while it is here')
  await away(few, () => publishAll(12, ['few:1']))
  const last = await publish('few:1')
  await until(() => few.heard.at(-1) === last, 'what is said when it is back')
  assert.deepEqual([few.came, few.heard.length], [[false, false], 2])
  // A channel that keeps nothing promises nothing.
  const partly = await enter(7, { where: '/open/' })
  await publish('log:1')
  await until(() => partly.heard.length === 1, 'what is said while it is here')
  await away(partly, () => publish('log:1'))
  assert.deepEqual([partly.came, partly.heard.length], [[false, false], 1])
  few.close()
  partly.close()
})

test('C12: a client with a token of a moment stays and comes back where its route lets it', async () => {
  const auth = { token: token(14, { ttl: 2 }) }
  const [short, long] = [await enter(14, { auth }), await enter(14, { auth, where: '/long/' })]
  const left = new Promise((told) => short.once('disconnect', told))
  assert.equal(await left, 'io server disconnect')
  assert.ok(long.connected)
  await publish('log:1')
  await until(() => long.heard.length === 1, 'what is said after the end of its token')
  for (const turn of [1, 2]) {
    await away(long, () => publish('log:1'))
    await until(() => long.heard.length === 1 + turn, 'what was said meanwhile')
  }
  assert.deepEqual(long.came, [false, true, true])
  // Whoever says that it leaves has no session any more, and has to show a good one.
  long.disconnect()
  long.connect()
  const refused = await new Promise((told) => long.once('connect_error', told))
  assert.equal(refused.data.code, 'TOKEN_EXPIRED')
  long.close()
})

test('a route without it adds nothing to events', async () => {
  const socket = await enter(8, { where: '/anew/' })
  socket.off('message')
  const values = []
  socket.on('message', (...all) => values.push(all))
  await publish('log:1')
  await until(() => values.length === 1, 'what is said while it is here')
  assert.equal(values[0].length, 1)
  await away(socket, () => publish('log:1'))
  assert.deepEqual([socket.came, values.length], [[false, false], 1])
  socket.close()
})

test('A13: nobody goes on as somebody else, nor from a place that nobody was told', async () => {
  const socket = await enter(9)
  await publish('log:1')
  await until(() => socket.heard.length === 1, 'what is said while it is here')
  const [pid, offset] = [socket._pid, socket._lastOffset]
  assert.match(offset, /^(\.[0-9a-f]*(_[0-9a-f]+)?){2}$/)
  const missed = await away(socket, async () => {
    const one = await publish('log:1')
    const thief = await enter(10, { auth: { token: token(10), pid, offset } })
    assert.deepEqual([thief.came, thief.heard], [[false], []])
    for (const strange of ['', 'hello', '0', `${offset}~`, `.${'1'.repeat(5000)}`, '.fffffff.fffffff']) {
      const own = await enter(9, { auth: { token: token(9), pid, offset: strange } })
      assert.deepEqual([own.came, own.heard], [[false], []], strange.slice(0, 40))
      own.close()
    }
    thief.close()
    return one
  })
  assert.ok(missed)
  socket.close()
})
