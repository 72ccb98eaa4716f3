// Socket.IO, met by the client that its own authors ship.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { io } from 'socket.io-client'
import WebSocket from 'ws'

import { connect } from './client.js'
import { API_KEY, start, token, until, WITHIN } from './gate.js'

let gate
before(async () => { gate = await start('tests/outside/configs/socketio.toml') })
after(() => gate.close())

const open = []

/** A client that has not connected yet. */
function client(user, { namespace = '/', where = '/socket.io/', auth, ...how } = {}) {
  const said = { transports: ['websocket'], forceNew: true, reconnectionDelay: 50, ...how }
  const socket = io(gate.page('').replace(/\/$/, '') + namespace, {
    path: where,
    auth: auth ?? (user === null ? {} : { token: token(user) }),
    ...said,
  })
  open.push(socket)
  return socket
}

/** What comes next under this name. */
const hears = (socket, name) =>
  new Promise((heard, late) => {
    const given = setTimeout(() => late(new Error(`waited ${WITHIN} ms for ${name}`)), WITHIN)
    socket.once(name, (...values) => {
      clearTimeout(given)
      heard(values)
    })
  })

/** A client that is in. */
async function enter(user, how) {
  const socket = client(user, how)
  await new Promise((entered, failed) => {
    socket.once('connect', entered)
    socket.once('connect_error', failed)
  })
  socket.off('connect_error')
  return socket
}

after(() => open.forEach((it) => it.close()))

const publish = (channel, data, more = {}) =>
  gate.ask('POST', '/api/publish', { channel, data, ...more }, API_KEY)

const WAYS = [['websocket'], ['polling'], ['polling', 'websocket']]

for (const transports of WAYS) {
  const way = transports.join(' then ')

  test(`${way}: an event is heard, answered and acknowledged`, async () => {
    const socket = await enter(1, { transports })
    assert.ok(!socket.recovered)
    const echoed = hears(socket, 'greet')
    const values = ['ä "quoted" \\', { n: 1.5, deep: [null, true] }]
    const answer = await socket.timeout(WITHIN).emitWithAck('greet', ...values)
    // An acknowledgement's promise gives the first value only.
    assert.equal(answer, values[0])
    assert.deepEqual(await echoed, values)
    socket.close()
  })

  test(`${way}: the server asks, and the client's answer arrives`, async () => {
    const socket = await enter(1, { transports })
    socket.on('ask', (question, reply) => reply(question.toUpperCase(), { done: true }))
    const answered = hears(socket, 'answered')
    socket.emit('ask', 'how high')
    assert.deepEqual(await answered, ['HOW HIGH', { done: true }])
    socket.close()
  })

  test(`${way}: bytes travel in events and in acknowledgements`, async () => {
    const socket = await enter(1, { transports })
    const bytes = Buffer.from([0, 1, 254, 255])
    const echoed = hears(socket, 'picture')
    const answer = await socket.timeout(WITHIN).emitWithAck('picture', { bytes, of: 'tide' }, bytes)
    assert.deepEqual(Buffer.from(answer.bytes), bytes)
    const [first, second] = await echoed
    assert.deepEqual([Buffer.from(first.bytes), first.of, Buffer.from(second)], [bytes, 'tide', bytes])
    socket.close()
  })

  test(`${way}: what one client says stays in order`, async () => {
    const socket = await enter(1, { transports })
    const heard = []
    const all = new Promise((done) => {
      socket.on('count', (n) => { if (heard.push(n) === 300) done() })
    })
    for (let n = 0; n < 300; n++) socket.emit('count', n)
    await all
    assert.deepEqual(heard, [...Array(300).keys()])
    socket.close()
  })

  test(`${way}: namespaces share a connection; each is entered and left by itself`, async () => {
    const auth = { token: token(1) }
    const main = await enter(1, { transports, auth, forceNew: false, multiplex: true })
    const side = main.io.socket('/side', { auth })
    open.push(side)
    side.connect()
    await hears(side, 'connect')
    assert.notEqual(main.id, side.id)
    const [here, there] = [hears(main, 'here'), hears(side, 'there')]
    main.emit('here', 1)
    side.emit('there', 2)
    assert.deepEqual([await here, await there], [[1], [2]])
    // Both are in the channel, and each hears it once.
    const [both, also] = [hears(main, 'for you'), hears(side, 'for you')]
    assert.equal((await publish('user:1', { n: 1 })).status, 200)
    assert.deepEqual([await both, await also], [[{ n: 1 }], [{ n: 1 }]])
    side.disconnect()
    assert.equal(await main.timeout(WITHIN).emitWithAck('still', 'here'), 'here')
    side.connect()
    await hears(side, 'connect')
    main.close()
    side.close()
  })

  test(`${way}: whoever shows no good token hears why, in words and in a code`, async () => {
    for (const [auth, code] of [
      [{}, 'AUTH_REQUIRED'],
      [{ token: '' }, 'AUTH_REQUIRED'],
      [{ token: 'no.such.token' }, 'INVALID_TOKEN'],
      [{ token: `Bearer ${token(1, { ttl: -600 })}` }, 'TOKEN_EXPIRED'],
    ]) {
      const socket = client(1, { transports, auth })
      const [error] = await hears(socket, 'connect_error')
      assert.match(error.message, /Authentication/)
      assert.equal(error.data.code, code)
      assert.equal(error.data.message, error.message)
      assert.equal(socket.active, false)
      socket.close()
    }
  })

  test(`${way}: a token is taken with and without Bearer before it, or from a header`, async () => {
    const shown = token(1)
    for (const how of [
      { auth: { token: shown } },
      { auth: { token: `Bearer ${shown}` } },
      { auth: {}, extraHeaders: { Authorization: `Bearer ${shown}` } },
      { auth: {}, query: { token: shown }, where: '/few/' },
    ]) {
      const socket = await enter(1, { transports, ...how })
      const gone = until(() => !socket.connected, 'the socket to close')
      socket.close()
      await gone
      // Its place is free again before the next one asks for it.
      await until(async () => (await members('user:1')) === 0, 'it to have left')
    }
  })

  test(`${way}: a volatile event is sent while connected, and dropped while not`, async () => {
    const socket = await enter(1, { transports })
    const heard = []
    socket.onAny((name) => heard.push(name))
    socket.disconnect()
    socket.volatile.emit('lost')
    socket.emit('kept')
    socket.connect()
    await hears(socket, 'kept')
    // While a POST is under way nothing can be sent, and it is dropped as well.
    const sent = hears(socket, 'sent')
    const saying = setInterval(() => socket.volatile.emit('sent'), 20)
    await sent
    clearInterval(saying)
    assert.deepEqual([...new Set(heard)], ['kept', 'sent'])
    socket.close()
  })

  test(`${way}: several clients hear the same publication, and one user's own alone`, async () => {
    const all = await Promise.all([11, 12, 13, 13].map((user) => enter(user, { transports })))
    const heard = all.map((it) => hears(it, 'message'))
    assert.equal((await publish('room:all', { to: 'all' })).status, 200)
    for (const it of heard) assert.deepEqual(await it, [{ to: 'all' }])
    // Its namespace says what those are called.
    const own = all.slice(2).map((it) => hears(it, 'for you'))
    assert.equal((await publish('user:13', 'yours')).status, 200)
    for (const it of own) assert.deepEqual(await it, ['yours'])
    all.forEach((it) => it.close())
  })

  test(`${way}: it stays, by the heartbeat of Engine.IO alone`, async () => {
    const socket = await enter(1, { transports })
    let pings = 0
    const pinged = new Promise((done) => socket.io.on('ping', () => { if (++pings === 3) done() }))
    socket.on('disconnect', (why) => assert.fail(why))
    await pinged
    assert.equal(await socket.timeout(WITHIN).emitWithAck('still', 'here'), 'here')
    socket.off('disconnect')
    socket.close()
  })

  test(`${way}: whoever is revoked hears why, has to leave, and does not come back`, async () => {
    const user = 31 + WAYS.indexOf(transports)
    const socket = await enter(user, { transports })
    const [exception, left] = [hears(socket, 'exception'), hears(socket, 'disconnect')]
    const revoked = await gate.ask('POST', '/api/revoke', { user: String(user) }, API_KEY)
    assert.equal(revoked.status, 200)
    assert.equal((await exception)[0].code, 'TOKEN_REVOKED')
    assert.equal((await left)[0], 'io server disconnect')
    assert.equal(socket.active, false)
    const again = client(null, { transports, auth: socket.auth })
    assert.equal((await hears(again, 'connect_error'))[0].data.code, 'TOKEN_REVOKED')
    again.close()
  })

  test(`${way}: R21: who was lost comes back to its session, with the token it has`, async () => {
    const user = 61 + WAYS.indexOf(transports)
    const sessions = async () => {
      const answer = await gate.ask('GET', `/api/sessions?user=${user}`, undefined, API_KEY)
      return (await answer.json()).sessions.map((it) => it.id)
    }
    const socket = await enter(user, { transports, where: '/kept/' })
    const [session, ...others] = await sessions()
    assert.deepEqual(others, [])
    socket.auth = { token: token(user, { ttl: -3600 }) }
    const back = hears(socket, 'connect')
    socket.io.engine.close()
    await back
    // Its channels keep nothing, so it must not take itself for recovered.
    assert.ok(!socket.recovered)
    assert.deepEqual(await sessions(), [session])
    // Whoever says that it leaves has no session any more (R24).
    socket.disconnect()
    await until(async () => (await sessions()).length === 0, 'the session to end')
    socket.connect()
    assert.equal((await hears(socket, 'connect_error'))[0].data.code, 'TOKEN_EXPIRED')
    socket.close()
  })

  test(`${way}: limits are those of every dialect`, async () => {
    const user = 41 + WAYS.indexOf(transports)
    const first = await enter(user, { transports, where: '/few/' })
    const second = client(user, { transports, where: '/few/' })
    const [error] = await hears(second, 'connect_error')
    assert.equal(error.data.code, 'TOO_MANY_FOR_USER')
    assert.equal(error.data.details.retry_after, 5)
    second.close()
    const told = hears(first, 'exception')
    first.emit('once')
    first.emit('twice')
    assert.equal((await told)[0].code, 'TOO_FAST')
    // Whoever waits for an acknowledgement finds it there.
    const failure = await first.timeout(WITHIN).emitWithAck('thrice')
    assert.equal(failure.code, 'TOO_FAST')
    first.close()
  })

  test(`${way}: a route without tokens takes anyone`, async () => {
    const socket = await enter(null, { transports, where: '/open/' })
    assert.equal(await socket.timeout(WITHIN).emitWithAck('hello', 'you'), 'you')
    socket.close()
  })
}

const members = async (channel) =>
  (await (await gate.ask('GET', `/api/channels/${channel}`, undefined, API_KEY)).json()).members

test('a session that began with polling goes on by WebSocket, and loses nothing on the way', async () => {
  for (let round = 0; round < 8; round++) {
    const socket = await enter(51, { transports: ['polling', 'websocket'] })
    const { engine } = socket.io
    const heard = []
    socket.on('count', (n) => heard.push(n))
    const upgraded = engine.transport.name === 'websocket' || hears(engine, 'upgrade')
    for (let n = 0; n < 50; n++) {
      socket.emit('count', n)
      if (n % 10 === 0) await new Promise(setImmediate)
    }
    await upgraded
    assert.equal(engine.transport.name, 'websocket')
    assert.equal(await socket.timeout(WITHIN).emitWithAck('last', 1), 1)
    assert.deepEqual(heard, [...Array(50).keys()])
    socket.close()
  }
})

/** A request as a client that polls makes it. */
const poll = (query, { where = '/socket.io/', ...how } = {}) =>
  fetch(gate.page(`${where}?EIO=4&transport=polling${query}`), how)

/** The name of a new session, and what was told with it. */
async function opened(how) {
  const answer = await poll('', how)
  assert.equal(answer.status, 200)
  return JSON.parse((await answer.text()).slice(1))
}

const refusal = async (answer) => [answer.status, (await answer.json()).code]

test('polling: a session is told its numbers, and what is wrong by Engine.IO\'s own', async () => {
  const { sid, ...told } = await opened()
  assert.deepEqual(told, {
    upgrades: ['websocket'], pingInterval: 1000, pingTimeout: 2000, maxPayload: 102400,
  })
  assert.ok(sid.length >= 22)
  const where = gate.page('/socket.io/')
  for (const [query, how, expected] of [
    ['?EIO=4&transport=carrier', {}, [400, 0]],
    ['?EIO=4', {}, [400, 0]],
    [`?EIO=4&transport=polling&sid=${'x'.repeat(24)}`, {}, [400, 1]],
    ['?EIO=4&transport=polling&sid=short', {}, [400, 1]],
    ['?EIO=4&transport=polling', { method: 'POST' }, [400, 2]],
    ['?EIO=4&transport=websocket', {}, [400, 3]],
    [`?EIO=4&transport=polling&sid=${sid}`, { method: 'DELETE' }, [400, 3]],
    ['?EIO=3&transport=polling', {}, [400, 5]],
  ]) {
    assert.deepEqual(await refusal(await fetch(where + query, how)), expected, query)
  }
  // Another route's session is nobody's here.
  assert.deepEqual(await refusal(await poll(`&sid=${sid}`, { where: '/open/' })), [400, 1])
})

test('F13: a second GET beside the first ends the session', async () => {
  const { sid } = await opened()
  const first = poll(`&sid=${sid}`)
  const second = poll(`&sid=${sid}`)
  const answers = await Promise.all([first, second])
  assert.deepEqual(answers.map((it) => it.status).sort(), [200, 400])
  const won = answers.find((it) => it.status === 200)
  assert.equal(await won.text(), '1')
  assert.deepEqual(await refusal(await poll(`&sid=${sid}`)), [400, 1])
})

test('F13: a body beyond the bound is refused as it comes, and its session ends', async () => {
  for (const isTold of [true, false]) {
    const { sid } = await opened()
    const large = '4' + 'x'.repeat(102_400)
    const body = isTold ? large : new Blob([large]).stream()
    const answer = await poll(`&sid=${sid}`, { method: 'POST', body, duplex: 'half' })
    assert.equal(answer.status, 413)
    assert.deepEqual(await refusal(await poll(`&sid=${sid}`)), [400, 1])
  }
})

test('F13: a WebSocket that proves nothing costs its session nothing', async () => {
  const { sid } = await opened()
  const url = gate.page(`/socket.io/?EIO=4&transport=websocket&sid=${sid}`).replace('http', 'ws')
  const probe = await connect(url)
  probe.socket.send('5')
  await probe.end()
  const said = await poll(`&sid=${sid}`, { method: 'POST', body: `40{"token":"${token(1)}"}` })
  assert.deepEqual([said.status, await said.text()], [200, 'ok'])
  assert.match(await (await poll(`&sid=${sid}`)).text(), /^40\{"sid":"/)
  const unknown = url.replace(sid, 'x'.repeat(24))
  await assert.rejects(connect(unknown), (refused) => {
    assert.deepEqual([refused.status, refused.body.code], [400, 1])
    return true
  })
})

test('F12: packets that break the rules end the connection that says them, and no other', async () => {
  const bystander = await enter(52)
  const url = gate.page('/open/?EIO=4&transport=websocket').replace('http', 'ws')
  const flood = Array.from({ length: 17 }, (_, n) => `40/${n},`)
  for (const packets of [
    ['42["early"]'],
    ['40', '42["disconnect"]'],
    ['40', '42[null]'],
    ['40', '451-["a",{"_placeholder":true,"num":1}]'],
    ['40', '451-["a",{"_placeholder":true,"num":-1}]'],
    ['40', '4511-["a"]'],
    ['40', `42["a",${'['.repeat(65)}${']'.repeat(65)}]`],
    ['40', '42["a",{]'],
    ['48'],
    ['9'],
    flood,
  ]) {
    const ws = new WebSocket(url)
    ws.addEventListener('open', () => packets.forEach((it) => ws.send(it)))
    await new Promise((closed, late) => {
      const timer = setTimeout(() => late(new Error(`still open after ${packets}`)), 3000)
      ws.addEventListener('close', () => { clearTimeout(timer); closed() })
    })
  }
  // One fewer than the flood is no flood: each namespace is answered, and nobody is parted with.
  const ws = new WebSocket(url)
  const answers = []
  let open = true
  ws.addEventListener('close', () => { open = false })
  ws.addEventListener('message', ({ data }) => { answers.push(data) })
  ws.addEventListener('open', () => flood.slice(0, -1).forEach((it) => ws.send(it)))
  const connects = () => answers.filter((it) => it.startsWith('40'))
  await until(() => connects().length >= 16 || !open, 'every namespace to be answered')
  ws.send('42/0,1["still","here"]')
  await until(() => answers.some((it) => it.startsWith('43')) || !open, 'it to be heard')
  assert.ok(open)
  const starts = connects().map((it) => it.replace(/(\{"sid").*/, '$1'))
  assert.deepEqual(starts.sort(), flood.slice(0, -1).map((it) => `${it}{"sid"`).sort())
  ws.close()
  assert.equal(await bystander.timeout(WITHIN).emitWithAck('still', 'here'), 'here')
  bystander.close()
})

async function closedAsSlow() {
  const text = await (await gate.ask('GET', '/metrics', undefined, API_KEY)).text()
  return Number(/^tidegate_connections_closed_slow_total (\d+)/m.exec(text)[1])
}

test('F10: whoever does not fetch what waits is parted with, and nobody else notices', async () => {
  const reader = await enter(53)
  let heard = 0
  reader.on('large', () => { heard += 1 })
  const { sid } = await opened()
  const joined = await poll(`&sid=${sid}`, { method: 'POST', body: `40{"token":"${token(54)}"}` })
  assert.equal(joined.status, 200)
  await until(async () => (await members('user:54')) === 1, 'it to be in')
  const slow = await closedAsSlow()
  const large = 'x'.repeat(200_000)
  for (let n = 0; n < 40 && (await members('user:54')) === 1; n++) {
    // Not in the room of all, where others may have been left without a word as well.
    for (const channel of ['user:53', 'user:54']) {
      assert.equal((await publish(channel, large, { event: 'large' })).status, 200)
    }
  }
  await until(async () => (await members('user:54')) === 0, 'it to be parted with')
  assert.deepEqual(await refusal(await poll(`&sid=${sid}`)), [400, 1])
  assert.equal(await reader.timeout(WITHIN).emitWithAck('still', 'here'), 'here')
  assert.ok(0 < heard)
  // And not because it answers no pings.
  assert.equal(await closedAsSlow(), slow + 1)
  reader.close()
})

test('R36: pages of the route\'s origins may poll with credentials, and no others', async () => {
  const [where, origin] = ['/shared/', 'http://app.example.com']
  const shared = (it) => [
    it.headers.get('access-control-allow-origin'), it.headers.get('access-control-allow-credentials'),
  ]
  const asks = { 'Access-Control-Request-Method': 'POST' }
  const preflight = await poll('', { where, method: 'OPTIONS', headers: { origin, ...asks } })
  assert.equal(preflight.status, 204)
  assert.deepEqual(shared(preflight), [origin, 'true'])
  assert.match(preflight.headers.get('access-control-allow-methods'), /POST/)
  const mine = await poll('', { where, headers: { origin } })
  assert.deepEqual([mine.status, ...shared(mine)], [200, origin, 'true'])
  const { sid } = JSON.parse((await mine.text()).slice(1))
  for (const [query, how] of [['', {}], ['', { method: 'OPTIONS' }], [`&sid=${sid}`, {}]]) {
    const foreign = await poll(query, { where, ...how, headers: { origin: 'http://evil.example' } })
    assert.deepEqual([foreign.status, ...shared(foreign)], [403, null, null])
  }
})

test('one room, many dialects: each member hears the same publication once', async () => {
  const told = await enter(21)
  const native = await connect(gate.url('/ws', token(22)), { protocols: ['tidegate.v1'] })
  const plain = await connect(gate.url('/ws/plain', token(23)))
  await native.hear()
  const heard = hears(told, 'tide:turned')
  const body = { height: 4.2 }
  assert.equal((await publish('room:all', body, { event: 'tide:turned' })).status, 200)
  assert.deepEqual(await heard, [body])
  const { publication } = await native.hear()
  assert.deepEqual([publication.data, publication.event], [body, 'tide:turned'])
  assert.deepEqual(await plain.hear(), body)
  told.close()
  await Promise.all([native.close(), plain.close()])
})

// Its library takes a text at the end of an event for a place to come back to, and says it when it
// does: one that somebody else chose could be longer than anything it may say.
for (const where of ['/socket.io/', '/kept/']) {
  test(`F12: on ${where} a text at the end of an event keeps nobody from coming back`, async () => {
    const socket = await enter(24, { where })
    const text = 'x'.repeat(90_000)
    const heard = hears(socket, 'message')
    assert.equal((await publish('room:all', text)).status, 200)
    assert.equal((await heard)[0], text)
    const said = hears(socket, 'echoed')
    socket.emit('echoed', 1, text)
    assert.deepEqual((await said).slice(0, 2), [1, text])
    const back = hears(socket, 'connect')
    socket.auth = { token: token(24), more: 'y'.repeat(11_000) }
    socket.io.engine.close()
    await back
    socket.close()
  })
}

test('a restart drops the transport without a DISCONNECT, and clients come back by themselves', async () => {
  const socket = await enter(1)
  const [left, back] = [hears(socket, 'disconnect'), hears(socket.io, 'reconnect')]
  await gate.restart('SIGTERM')
  assert.equal((await left)[0], 'transport close')
  await back
  assert.equal(await socket.timeout(WITHIN).emitWithAck('still', 'here'), 'here')
  socket.close()
})
