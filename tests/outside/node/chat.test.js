// The chat over the stock socket.io-client: two people and a third, as its front end does it.

import assert from 'node:assert/strict'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { io } from 'socket.io-client'

import { start, token, until, WITHIN } from './gate.js'

let gate
before(async () => { gate = await start('chat.toml') })
const open = []
after(async () => {
  open.forEach((it) => it.close())
  await gate.close()
})

const shown = (user) => ({ sub: user, name: user[0].toUpperCase() + user.slice(1) })
const tokenOf = (user, more = {}) => token(user, { ...shown(user), ...more })

/** A client that has not connected yet; it writes down all it hears. */
function client(user, { auth, at = gate, ...how } = {}) {
  const socket = io(at.page('/'), {
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: 50,
    auth: auth ?? { token: `Bearer ${tokenOf(user)}`, userId: user },
    ...how,
  })
  open.push(socket)
  socket.heard = []
  socket.onAny((event, value) => socket.heard.push({ event, value }))
  /** The first of this name that fits, heard already or not; it is taken away. */
  socket.hears = (event, fits = () => true) =>
    until(() => {
      const index = socket.heard.findIndex((it) => it.event === event && fits(it.value))
      return index < 0 ? null : socket.heard.splice(index, 1)[0].value ?? {}
    }, `${user} to hear ${event}`)
  /** Says something; resolves with the acknowledgement. */
  socket.say = (event, ...values) => socket.timeout(WITHIN).emitWithAck(event, ...values)
  return socket
}

/** A client that is in and has been greeted. */
async function enter(user, how) {
  const socket = client(user, how)
  socket.welcome = await socket.hears('connection:success')
  return socket
}

/** How it was refused. */
const refused = (socket) =>
  new Promise((told, late) => {
    const given = setTimeout(() => late(new Error('nobody refused it')), WITHIN)
    socket.once('connect_error', (fault) => {
      clearTimeout(given)
      told(fault)
    })
  })

/** A channel of these people, made by the first. */
async function channel([owner, ...others], type = 'PRIVATE') {
  const memberIds = others.map((it) => it.auth.userId)
  const made = await owner.say('channel:create', { name: 'den', type, memberIds })
  assert.equal(made.success, true, made.error)
  for (const it of [owner, ...others]) {
    await it.hears('channel:created', ({ id }) => id === made.data.id)
  }
  return made.data.id
}

/** Everything said before has arrived: an event of ours has come back through the same room. */
async function settle(channelId, ...sockets) {
  const content = `settled ${Math.random()}`
  assert.equal((await sockets[0].say('message:send', { channelId, content })).success, true)
  for (const it of sockets) await it.hears('message:created', (it) => it.message.content === content)
}

test('R4, R43: whoever comes is greeted, with or without Bearer, with or without userId', async () => {
  for (const auth of [
    { token: `Bearer ${tokenOf('gus')}`, userId: 'gus' },
    { token: tokenOf('gus'), userId: 'gus' },
    { token: tokenOf('gus') },
  ]) {
    const gus = await enter('gus', { auth })
    assert.deepEqual(gus.welcome, { userId: 'gus', channels: [] })
    assert.equal((await gus.hears('connection:ready')).userId, 'gus')
    gus.close()
  }
})

test('R4, R55, R56: another user, a bad token and none are a connect_error', async () => {
  for (const [auth, code, says] of [
    [{ token: tokenOf('gus'), userId: 'ann' }, 'AUTH_FAILED', /Authentication failed.*User ID mismatch/],
    [{ token: 'Bearer nonsense', userId: 'gus' }, 'INVALID_TOKEN', /Authentication failed/],
    [{ token: tokenOf('gus', { exp: 1 }), userId: 'gus' }, 'TOKEN_EXPIRED', /Authentication failed/],
    [{ userId: 'gus' }, 'AUTH_REQUIRED', /Authentication failed/],
  ]) {
    const socket = client('gus', { auth })
    const fault = await refused(socket)
    assert.match(fault.message, says)
    assert.equal(fault.data.code, code)
    assert.equal(socket.active, false, 'it does not come back by itself')
  }
})

test('R43, R73: a message is delivered, created and acknowledged, and said twice is one', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, bob])
  const said = { channelId, content: 'ahoy', tempId: 'temp-1' }
  const ack = await ann.say('message:send', said)
  assert.equal(ack.success, true)
  assert.equal(ack.data.content, 'ahoy')
  const { messageId, status, tempId, processed } = await ann.hears('message:delivered')
  assert.deepEqual({ messageId, status, tempId, processed }, {
    messageId: ack.data.id, status: 'DELIVERED', tempId: 'temp-1', processed: true,
  })
  for (const it of [ann, bob]) {
    const created = await it.hears('message:created')
    assert.equal(created.processed, true)
    assert.equal(created.tempId, 'temp-1')
    assert.deepEqual(created.message.user, { id: 'ann', name: 'Ann', imageUrl: null })
  }
  const again = await ann.say('message:send', said)
  assert.equal(again.data.id, ack.data.id)
  const older = await ann.say('send_message', { ...said, processed: false })
  assert.equal(older.data.id, ack.data.id, 'under the older name, too')
  await settle(channelId, ann, bob)
  const heard = bob.heard.filter((it) => it.event === 'message:created')
  assert.deepEqual(heard, [], 'it was told once')
  ann.close()
  bob.close()
})

test('R76: typing is told to the others, and ends by itself', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, bob])
  for (const event of ['typing:start', 'message:typing:start', 'TYPING_START']) {
    assert.equal((await bob.say(event, { channelId })).success, true)
    const typing = await ann.hears('user:typing')
    assert.deepEqual([typing.userId, typing.isTyping], ['bob', true])
    await ann.hears('typing:start', (it) => it.typingUser.userId === 'bob')
    await ann.hears('message:typing:start')
  }
  assert.equal(bob.heard.some((it) => it.event === 'user:typing'), false, 'never to oneself')
  const began = Date.now()
  assert.equal((await ann.hears('user:typing')).isTyping, false)
  await ann.hears('typing:stop')
  assert.ok(4_000 < Date.now() - began, 'five seconds after the last word of it')
  ann.close()
  bob.close()
})

test('R75: who has received and who has read', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, bob])
  const { data: { id: messageId } } = await ann.say('message:send', { channelId, content: 'hi' })
  await bob.say('message:received', { messageId, processed: true })
  assert.equal((await ann.hears('message:status')).status, 'DELIVERED')
  await bob.say('READ', { messageId, channelId })
  assert.equal((await ann.hears('message:status')).status, 'READ')
  for (const it of [ann, bob]) {
    const { readReceipt } = await it.hears('message:read')
    assert.deepEqual([readReceipt.userId, readReceipt.messageId], ['bob', messageId])
  }
  const { data } = await ann.say('message:getStatus', { messageId })
  assert.equal(data.status, 'READ')
  ann.close()
  bob.close()
})

test('R43: reactions and threads', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, bob])
  const { data: { id: messageId } } = await ann.say('message:send', { channelId, content: 'hi' })
  assert.equal((await bob.say('reaction:add', { messageId, type: '👍' })).success, true)
  for (const it of [ann, bob]) {
    const { reaction } = await it.hears('reaction:added')
    assert.equal(reaction.id, `${messageId}-bob-👍`)
    assert.equal((await it.hears('message:reaction:added')).emoji, '👍')
  }
  assert.equal((await bob.say('reaction:remove', { messageId, type: '👍' })).success, true)
  assert.equal((await ann.hears('reaction:removed')).userId, 'bob')

  const thread = { threadId: messageId, channelId }
  assert.equal((await bob.say('thread:join', thread)).success, true)
  const reply = { ...thread, content: 're', tempId: 'temp-2' }
  assert.equal((await ann.say('thread:reply', reply)).success, true)
  assert.equal((await ann.hears('thread:reply:delivered')).tempId, 'temp-2')
  assert.equal((await bob.hears('thread:reply:created')).message.content, 're')
  for (const it of [ann, bob]) assert.equal((await it.hears('thread:updated')).replyCount, 1)
  ann.close()
  bob.close()
})

test('R16: a private channel, its messages and its threads are closed to others', async () => {
  const [ann, bob, cay] = [await enter('ann'), await enter('bob'), await enter('cay')]
  const channelId = await channel([ann, bob])
  const { data: { id: messageId } } = await ann.say('message:send', { channelId, content: 'psst' })
  for (const [event, value] of [
    ['channel:join', { channelId }],
    ['join_channel', { channelId }],
    ['joinChannel', channelId],
    ['message:send', { channelId, content: 'let me in' }],
    ['typing:start', { channelId }],
    ['thread:join', { threadId: messageId, channelId }],
    ['thread:reply', { threadId: messageId, channelId, content: 'x' }],
    ['reaction:add', { messageId, type: 'x' }],
    ['message:read', { messageId }],
    ['updateMessage', { messageId, content: 'x' }],
    ['deleteMessage', { messageId }],
    ['channel:update', { channelId, name: 'x' }],
    ['draft:sync', { channelId, content: 'x' }],
  ]) {
    const ack = await cay.say(event, value)
    assert.deepEqual([ack.success, typeof ack.error], [false, 'string'], event)
  }
  await settle(channelId, ann, bob)
  const heard = cay.heard.filter((it) => JSON.stringify(it.value)?.includes('psst'))
  assert.deepEqual(heard, [])
  for (const path of ['', '/members', '/messages']) {
    const answer = await gate.ask('GET', `/api/chat/channels/${channelId}${path}`, null, tokenOf('cay'))
    assert.equal(answer.status, 403, path)
  }
  for (const it of [ann, bob, cay]) it.close()
})

test('R43: a public channel is entered by joining it', async () => {
  const [ann, cay] = [await enter('ann'), await enter('cay')]
  const channelId = await channel([ann], 'PUBLIC')
  assert.equal((await cay.say('channel:join', { channelId })).success, true)
  await cay.hears('channel:joined')
  assert.equal((await ann.hears('channel:member_joined')).userId, 'cay')
  assert.equal((await ann.hears('channel:member_count')).count, 2)
  await settle(channelId, ann, cay)
  assert.equal((await cay.say('channel:leave', { channelId })).success, true)
  await ann.hears('channel:user_left')
  ann.close()
  cay.close()
})

test('every event is acknowledged, whatever it is', async () => {
  const ann = await enter('ann')
  for (const [event, ...values] of [
    ['fly'], ['fly', 1, 2, 3], ['message:send'], ['message:send', null], ['message:send', 'x'],
    ['message:send', { channelId: '999999', content: 'x' }], ['channel:join', []],
    ['message:send', { channelId: { $gt: '' }, content: 'x' }],
    ['channel:create', { name: '' }], ['message:read', { messageId: '1 OR 1=1' }],
    ['draft:sync', Buffer.from('x')], ['message:getStatus', { messageId: -1 }],
  ]) {
    const ack = await ann.say(event, ...values)
    assert.deepEqual([ack.success, typeof ack.error], [false, 'string'], event)
  }
  const failed = await ann.say('message:send', { channelId: '9999', content: 'x', tempId: 'temp-9' })
  assert.equal(failed.error, 'Access denied to channel')
  await ann.hears('message:failed', (it) => it.tempId === 'temp-9' && it.status === 'FAILED')
  ann.emit('fly')
  assert.equal((await ann.hears('error')).message, 'Unknown event')
  ann.close()
})

test('R30: also what came too fast is acknowledged', async () => {
  const ivy = await enter('ivy')
  const acks = await Promise.all(Array.from({ length: 650 }, () => ivy.say('channels:list')))
  const refused = acks.filter((it) => !it.success)
  assert.ok(0 < refused.length && refused.length < 60, `${refused.length}`)
  for (const it of refused) assert.deepEqual([it.error, it.code], ['Too many messages.', 'TOO_FAST'])
  ivy.close()
})

test('R77: presence is told, with the time at which somebody was last seen', async () => {
  const ann = await enter('ann')
  const bob = await enter('bob')
  assert.equal((await ann.hears('user:online', (it) => it.userId === 'bob')).user.name, 'Bob')
  await ann.hears('presence:update', (it) => it.userId === 'bob' && it.isOnline)
  const { data } = await ann.say('presence:get_online_users')
  assert.ok(['ann', 'bob'].every((it) => data.users.includes(it)), data.users.join())
  bob.close()
  await ann.hears('user:offline', (it) => it.userId === 'bob')
  const answer = await gate.ask('GET', '/api/chat/users?q=bob', null, tokenOf('ann'))
  const [found] = (await answer.json()).users
  assert.equal(found.isOnline, false)
  assert.ok(Math.abs(Date.now() - Date.parse(found.lastSeenAt)) < 60_000)
  ann.close()
})

test('R24, R74: what was missed comes in order with the next connection', async () => {
  const [ann, eve] = [await enter('ann'), await enter('eve')]
  const channelId = await channel([ann, eve])
  eve.close()
  await ann.hears('user:offline', (it) => it.userId === 'eve')
  for (const content of ['one', 'two', 'three']) await ann.say('message:send', { channelId, content })
  const back = await enter('eve')
  assert.ok(back.welcome.channels.includes(channelId))
  assert.ok(3 <= (await back.hears('message:offline')).count)
  const missed = []
  while (missed.length < 3) {
    const { message } = await back.hears('message:created')
    if (message.channelId === channelId) missed.push(message)
    await back.say('message:received', { messageId: message.id, processed: true })
  }
  assert.deepEqual(missed.map((it) => it.content), ['one', 'two', 'three'])
  assert.equal((await back.say('message:getOfflineCount')).data.count, 0)
  ann.close()
  back.close()
})

test('R65: after a loss the client comes back by itself, and is in its rooms again', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, bob])
  bob.io.engine.close()
  await bob.hears('connection:success')
  await settle(channelId, ann, bob)
  ann.close()
  bob.close()
})

test('R65, R74: what was said during a loss is heard once, in threads too, and nothing else', async () => {
  const [ann, first] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, first])
  const said = await ann.say('message:send', { channelId, content: 'root' })
  const threadId = said.data.id
  first.close()
  // Whoever was made a member while they were here sits in the channel from their next coming on.
  const bob = await enter('bob')
  await bob.say('thread:join', { threadId, channelId })
  await settle(channelId, ann, bob)
  for (const how of ['a loss', 'a restart']) {
    bob.heard.length = 0
    bob.io.reconnection(false)
    const gone = new Promise((lost) => bob.once('disconnect', lost))
    bob.io.engine.close()
    await gone
    for (const content of ['one', 'two']) await ann.say('message:send', { channelId, content })
    await ann.say('thread:reply', { threadId, channelId, content: 'three' })
    if (how === 'a restart') {
      await gate.restart('SIGTERM')
      await ann.hears('connection:success')
    }
    bob.io.reconnection(true)
    bob.connect()
    await bob.hears('connection:success')
    assert.ok(bob.recovered, how)
    await bob.hears('thread:reply:created', (it) => it.message.content === 'three')
    await settle(channelId, ann, bob)
    const heard = bob.heard.filter((it) => it.event === 'message:created')
    assert.deepEqual(heard.map((it) => it.value.message.content), ['one', 'two'], how)
    assert.ok(!bob.heard.some((it) => it.event === 'message:offline'))
    // It is in the thread as before.
    await ann.say('thread:reply', { threadId, channelId, content: 'four' })
    await bob.hears('thread:reply:created', (it) => it.message.content === 'four')
  }
  ann.close()
  bob.close()
})

test('R10: a new token on the same client, as its updateCredentials does it', async () => {
  const gus = await enter('gus')
  gus.auth = { token: tokenOf('gus'), userId: 'gus' }
  gus.disconnect().connect()
  await gus.hears('connection:success')
  gus.close()
})

test('R73: a channel made over HTTP is told to its members, who hear it at once', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const draft = { name: 'pier', type: 'PRIVATE', memberIds: ['bob'] }
  const answer = await gate.ask('POST', '/api/chat/channels', draft, tokenOf('ann'))
  assert.equal(answer.status, 201)
  const { data: { id } } = await answer.json()
  for (const it of [ann, bob]) await it.hears('channel:created', (it) => it.id === id)
  await settle(id, ann, bob)
  await settle(id, bob, ann)
  const page = await gate.ask('GET', `/api/chat/channels/${id}/messages?limit=1`, null, tokenOf('bob'))
  const { messages, hasMore } = await page.json()
  assert.deepEqual([messages.length, hasMore], [1, true])
  ann.close()
  bob.close()
})

test('two sockets of one user: both hear, drafts reach the other', async () => {
  const [one, two, ann] = [await enter('bob'), await enter('bob'), await enter('ann')]
  const channelId = await channel([ann, one])
  await settle(channelId, ann, one, two)
  await one.say('draft:sync', { channelId, content: 'dear', deviceId: 'd1', timestamp: Date.now() })
  assert.equal((await two.hears('draft:sync')).content, 'dear')
  await settle(channelId, ann, one, two)
  assert.ok(!one.heard.some((it) => it.event === 'draft:sync'), 'not to the one that wrote it')
  for (const it of [one, two, ann]) it.close()
})

test('over long polling, too', async () => {
  const [ann, bob] = [await enter('ann', { transports: ['polling'] }), await enter('bob')]
  const channelId = await channel([ann, bob])
  await settle(channelId, ann, bob)
  await settle(channelId, bob, ann)
  ann.close()
  bob.close()
})

test('R127: whoever is removed is put out, and stays out until taken back', async () => {
  const dan = await enter('dan')
  const admin = tokenOf('ann', { role: 'admin' })
  const gone = new Promise((resolve) => dan.once('disconnect', resolve))
  const removed = await gate.ask('DELETE', '/api/chat/users/dan/', null, admin)
  assert.equal(removed.status, 204)
  assert.equal(await gone, 'io server disconnect')
  assert.equal((await refused(client('dan'))).data.code, 'AUTH_FAILED')
  await gate.ask('POST', '/api/chat/users/dan/restore/', {}, admin)
  const back = await enter('dan')
  back.close()
})

test('R65, R74: what was acknowledged is there after a kill, and the clients are back', async () => {
  const [ann, bob] = [await enter('ann'), await enter('bob')]
  const channelId = await channel([ann, bob])
  const said = { channelId, content: 'last words', tempId: 'temp-64' }
  const { data: { id } } = await ann.say('message:send', said)
  await gate.restart('SIGKILL')
  for (const it of [ann, bob]) await it.hears('connection:success')
  const again = await ann.say('message:send', said)
  assert.equal(again.data.id, id, 'it is the same message still')
  await settle(channelId, ann, bob)
  const heard = await gate.ask('GET', `/api/chat/channels/${channelId}/messages`, null, tokenOf('bob'))
  const contents = (await heard.json()).messages.map((it) => it.content)
  assert.equal(contents.filter((it) => it === 'last words').length, 1)
  ann.close()
  bob.close()
})

/** The example, with keys that an issuer publishes. */
async function withPublishedKeys(url) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidegate-'))
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
  const text = await readFile(path.join(root, 'examples/chat.toml'), 'utf8')
  const secret = /secret = .*TIDEGATE_SECRET.*\nalgorithms = .*\n/
  const file = path.join(folder, 'chat.toml')
  const keys = text.replace(secret, `jwks = { url = "${url}/jwks" }\n`)
  await writeFile(file, keys.replace(/# issuer = .*/, `issuer = ["${url}"]`))
  const at = await start(path.relative(root, file))
  return { at, close: () => at.close().then(() => rm(folder, { recursive: true })) }
}

test('R4: tokens signed with RS256 by a key that is published', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }
  const issuer = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise((listening) => issuer.listen(0, '127.0.0.1', listening))
  t.after(() => issuer.close())
  const iss = `http://127.0.0.1:${issuer.address().port}`
  const { at, close } = await withPublishedKeys(iss)
  t.after(close)
  const signed = (claims, key = privateKey) => {
    const part = (it) => Buffer.from(JSON.stringify(it)).toString('base64url')
    const exp = Math.floor(Date.now() / 1000) + 60
    const text = `${part({ alg: 'RS256', kid: 'k1', typ: 'JWT' })}.${part({ iss, exp, ...claims })}`
    return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`
  }
  const sub = 'user_2abcDEF'
  for (const before of ['', 'Bearer ']) {
    const auth = { token: before + signed({ sub, sid: 'sess_1', azp: 'http://localhost:3000' }), userId: sub }
    const socket = await enter(sub, { at, auth })
    assert.equal(socket.welcome.userId, sub)
    socket.close()
  }
  const forger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const fault = await refused(client(sub, { at, auth: { token: signed({ sub }, forger) } }))
  assert.equal(fault.data.code, 'INVALID_TOKEN')
})

test('the health check of the system that was here before', async () => {
  const answer = await fetch(gate.page('/chat-test'))
  const { status, message, connections } = await answer.json()
  assert.deepEqual([status, message], ['success', 'WebSocket server is running'])
  assert.equal(typeof connections, 'number')
})
