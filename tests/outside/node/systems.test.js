// Both systems and the native dialect, met by the WebSocket library that Node programs use.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { connect } from './client.js'
import { API_KEY, start, token, until } from './gate.js'

let gate
before(async () => { gate = await start('demo.toml') })
after(() => gate.close())

const ADA = 1, SAM = 5, TESS = 6, STAFF = 1002, ADMIN = 1001
const admin = () => token(ADA, { role: 'Admin' })

/** A connection that has heard its first frame. */
async function at(where, user, first, claims) {
  const client = await connect(gate.url(where, token(user, claims)))
  assert.equal((await client.hear()).type, first)
  return client
}

test('R13: a bad token is told after the upgrade by 4001, or before it by a status', async () => {
  const client = await connect(gate.url('/ws/checkins/', 'no.such.token'))
  const last = await client.hearKind('error')
  assert.equal(last.payload.code, 'INVALID_TOKEN')
  assert.equal((await client.end()).code, 4001)

  await assert.rejects(connect(gate.url('/ws/notifications/', 'no.such.token')), (refused) => {
    assert.equal(refused.status, 401)
    assert.equal(refused.body.code, 'INVALID_TOKEN')
    return true
  })
})

test('R36, H1: pages of other origins may not connect, and pages of ours may', async () => {
  const here = gate.page('').replace(/\/$/, '')
  const own = await connect(gate.url('/ws/checkins/', token(STAFF)), { origin: here })
  await own.close()
  const foreign = ['http://evil.example', `${here}.evil.example`, 'http://127.0.0.1', 'null']
  for (const origin of foreign) {
    const attempt = connect(gate.url('/ws/checkins/', token(STAFF)), { origin })
    await assert.rejects(attempt, (refused) => {
      assert.deepEqual([refused.status, refused.body.code], [403, 'ORIGIN_REFUSED'])
      return true
    })
  }
})

test('R78, R81: two dashboards hear of a check-in, its sender first of its success', async () => {
  const here = await at('/ws/checkins/', STAFF, 'initial_stats')
  const there = await at('/ws/checkins/', ADMIN, 'initial_stats')
  here.say({ type: 'check_in', data: { memberId: 'GYM-0005' } })
  const success = await here.hear()
  assert.equal(success.type, 'check_in_success')
  assert.deepEqual((await here.hear()).payload, success.payload)
  assert.deepEqual((await there.hearKind('member_checked_in')).payload, success.payload)
  here.say({ type: 'check_out', data: { checkInId: success.payload.id } })
  assert.ok((await there.hearKind('member_checked_out')).payload.check_out_time)
  await Promise.all([here.close(), there.close()])
})

test('R73: a notification reaches its user', async () => {
  const sam = await at('/ws/notifications/', SAM, 'notifications_list')
  const draft = { title: 'From Node', message: 'm', recipient_type: 'user', recipient_id: SAM }
  assert.equal((await gate.ask('POST', '/api/notifications/', draft, admin())).status, 201)
  assert.equal((await sam.hearKind('notification')).data.title, 'From Node')
  await sam.close()
})

test('R76: moves in a room are told to the others only', async () => {
  const sam = await at('/ws/collaboration/node/', SAM, 'user_joined')
  const tess = await at('/ws/collaboration/node/', TESS, 'user_joined')
  tess.say({ action: 'cursor_update', position: { x: 1, y: 2 } })
  assert.deepEqual((await sam.hearKind('cursor_update')).position, { x: 1, y: 2 })
  tess.say({ action: 'heartbeat' })
  assert.equal((await tess.hear()).type, 'heartbeat_ack')
  await Promise.all([sam.close(), tess.close()])
})

test('R130: the native dialect, from its welcome to a publication by the backend', async () => {
  const ann = await connect(gate.url('/ws', token('ann')), { protocols: ['tidegate.v1'] })
  assert.equal(ann.socket.protocol, 'tidegate.v1')
  assert.equal((await ann.hear()).connected.user, 'ann')
  ann.say({ id: 1, subscribe: { channel: 'news:node' } })
  assert.equal((await ann.hear()).subscribed.channel, 'news:node')
  const body = { channel: 'news:node', data: { n: 1 } }
  const placed = await (await gate.ask('POST', '/api/publish', body, API_KEY)).json()
  assert.deepEqual((await ann.hear()).publication, { ...body, ...placed })
  await ann.close()
})

test('F8, L3: pings get their own words back, and a message may come in fragments', async () => {
  const desk = await at('/ws/checkins/', STAFF, 'initial_stats')
  const pong = new Promise((resolve) => desk.socket.once('pong', resolve))
  desk.socket.ping('are you there?')
  assert.equal((await pong).toString(), 'are you there?')
  const text = JSON.stringify({ type: 'heartbeat' })
  desk.socket.send(text.slice(0, 5), { fin: false })
  desk.socket.send('', { fin: false })
  desk.socket.send(text.slice(5), { fin: true })
  await desk.hearKind('heartbeat_ack')
  await desk.close()
})

test('R28, R82: whoever is terminated without a goodbye is counted as gone', async () => {
  const where = '/api/monitoring/websocket/active-connections/'
  const active = async () => {
    const answer = await gate.ask('GET', where, undefined, API_KEY)
    return (await answer.json()).active_connections
  }
  const earlier = await active()
  const come = () => at('/ws/checkins/', STAFF, 'initial_stats')
  const crowd = await Promise.all(Array.from({ length: 20 }, come))
  assert.equal(await active(), earlier + 20)
  for (const client of crowd) client.socket.terminate()
  await until(async () => (await active()) === earlier, 'the count to fall')
})

test('R65, R66: whoever retries is back after a crash with all that was stored', async () => {
  const sam = await at('/ws/notifications/', SAM, 'notifications_list')
  const whom = { recipient_type: 'user', recipient_id: SAM }
  const draft = { title: 'Before the crash', message: 'm', ...whom }
  assert.equal((await gate.ask('POST', '/api/notifications/', draft, admin())).status, 201)
  await sam.hearKind('notification')
  const restarted = gate.restart('SIGKILL')
  assert.equal((await sam.end()).code, 1006)
  const back = await until(
    () => connect(gate.url('/ws/notifications/', token(SAM))).catch(() => null),
    'the connection to be back',
  )
  await restarted
  const list = await back.hearKind('notifications_list')
  assert.ok(list.data.some((it) => it.title === 'Before the crash'))
  await back.close()
})

test('R79, R81: whoever returns is told what they missed, and whoever stayed nothing', async () => {
  const shown = token(STAFF)
  /** A dashboard, and what it is told between its stats and the answer to its first heartbeat. */
  const dashboard = async () => {
    const client = await connect(gate.url('/ws/checkins/', shown))
    assert.equal((await client.hear()).type, 'initial_stats')
    client.say({ type: 'heartbeat' })
    const told = []
    while (told.at(-1)?.type !== 'heartbeat_ack') told.push(await client.hear())
    return [client, told]
  }
  const [[away], [stays]] = [await dashboard(), await dashboard()]
  away.socket.terminate()
  const change = async (where, body) => {
    const answer = await gate.ask('POST', `/api/checkins/${where}`, body, token(ADMIN))
    assert.ok(answer.ok)
    return (await answer.json()).id
  }
  const visit = await change('', { memberId: 'GYM-0009' })
  await change(`${visit}/check-out/`, {})
  const kinds = ['member_checked_in', 'member_checked_out']
  for (const kind of kinds) assert.equal((await stays.hearKind(kind)).payload.id, visit)
  await stays.hearKind('stats_update')

  const [back, told] = await dashboard()
  const ours = told.filter((it) => it.payload?.id === visit)
  assert.deepEqual(
    ours.map((it) => [it.type, it.payload.status]),
    [
      ['member_checked_in', undefined],
      ['check_in_update', 'checked_in'],
      ['member_checked_out', undefined],
      ['check_in_update', 'checked_out'],
    ],
  )
  stays.say({ type: 'ping' })
  assert.equal((await stays.hear()).type, 'pong')
  await Promise.all([back.close(), stays.close()])
})

test('R75: what one tab marks over HTTP shows in the others, and after a crash', async () => {
  const tabs = await Promise.all([1, 2, 3].map(
    () => at('/ws/notifications/', TESS, 'notifications_list'),
  ))
  const draft = { title: 'For all', message: 'm', recipient_type: 'all' }
  const { id } = await (await gate.ask('POST', '/api/notifications/', draft, admin())).json()
  for (const tab of tabs) assert.equal((await tab.hearKind('notification')).data.id, id)
  const body = { is_read: true }
  const marked = gate.ask('PATCH', `/api/notifications/${id}/`, body, token(TESS))
  assert.equal((await marked).status, 200)
  for (const tab of tabs) {
    const list = await tab.hearKind('notifications_list')
    assert.ok(list.data.every((it) => it.id !== id))
  }
  await gate.restart('SIGKILL')
  const back = await connect(gate.url('/ws/notifications/', token(TESS)))
  const list = await back.hear()
  assert.equal(list.type, 'notifications_list')
  assert.ok(list.data.every((it) => it.id !== id))
  await back.close()
})

test('C11: a restart is told by 1012, at which every shipped client comes back', async () => {
  const clients = [
    await at('/ws/notifications/', SAM, 'notifications_list'),
    await at('/ws/checkins/', STAFF, 'initial_stats'),
    await connect(gate.url('/ws', token('ann')), { protocols: ['tidegate.v1'] }),
  ]
  await gate.restart('SIGTERM')
  for (const client of clients) assert.equal((await client.end()).code, 1012)
})
