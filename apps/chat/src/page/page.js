// Watch the chat work: sign in, write, see who types, who reads, who is here.
//
// What others wrote only ever becomes text (`textContent`), never markup.

import { connect } from '/chat/socket.js'

const at = (id) => document.getElementById(id)
const LIKE = '♥'
/** The server forgets after five seconds that somebody types. */
const TYPING_AGAIN = 2_000

/** @type {{access: string, refresh: string | null, id: string, name: string} | null} */
let session = JSON.parse(sessionStorage.getItem('chat') ?? 'null')
let link = null
let channels = []
let others = []
let people = new Map()
let current = null
/** Messages of the current channel by id, or by tempId while they are on their way. */
let messages = new Map()
let unread = new Map()
let typists = new Map()
let typedAt = 0

// --- who -----------------------------------------------------------------------------------------

async function ask(method, path, body) {
  const headers = { 'Content-Type': 'application/json' }
  if (session !== null) headers.Authorization = `Bearer ${session.access}`
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) })
  const told = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(told.message ?? `HTTP ${answer.status}`)
  return told
}

const claims = (token) => {
  const base64 = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
  const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0))
  return JSON.parse(new TextDecoder().decode(bytes))
}

function enter(access, refresh) {
  const said = claims(access)
  const id = String(said.sub ?? said.user_id)
  session = { access, refresh, id, name: said.name ?? said.username ?? id }
  sessionStorage.setItem('chat', JSON.stringify(session))
  begin()
}

/** What is said at each CONNECT; null when there is no good token left. */
async function auth() {
  if (claims(session.access).exp * 1000 < Date.now() + 60_000) {
    if (session.refresh === null) return null
    const answer = await fetch('/api/auth/token/refresh/', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refresh: session.refresh }),
    })
    if (answer.status === 401) return null
    session.access = (await answer.json()).access
    sessionStorage.setItem('chat', JSON.stringify(session))
  }
  return { token: `Bearer ${session.access}`, userId: session.id }
}

async function showDoor() {
  at('door').hidden = false
  const answer = await fetch('/api/dev/people/').catch(() => null)
  const listed = answer?.ok ? (await answer.json()).people : []
  const chatters = listed.filter((it) => it.user.app === 'chat')
  at('token-form').hidden = 0 < chatters.length
  const signIn = async ({ username, password }) => {
    const { access, refresh } = await ask('POST', '/api/auth/login/', { username, password })
    enter(access, refresh)
  }
  at('people').replaceChildren(...chatters.map((it) => row(it.user.name, () => signIn(it))))
  const as = new URLSearchParams(location.search).get('as')
  const asked = chatters.find((it) => it.username === as)
  if (asked) await signIn(asked)
}

at('token-form').onsubmit = (event) => {
  event.preventDefault()
  enter(event.target.token.value.trim(), null)
}

at('leave').onclick = () => {
  link?.close()
  sessionStorage.removeItem('chat')
  location.assign('/chat/')
}

// --- what comes ----------------------------------------------------------------------------------

function begin() {
  at('door').hidden = true
  at('desk').hidden = false
  at('who').hidden = false
  at('name').textContent = session.name
  link = connect({
    auth,
    seen: (state, text) => {
      at('status').dataset.state = state
      at('status').textContent = text
    },
    heard: (event, value) => on[event]?.(value),
  })
}

const on = {
  'connection:success': () => refresh().catch(complain),
  'channel:created': () => showChannels().catch(complain),
  'channel:updated': () => showChannels().catch(complain),
  'channel:member_count': () => showChannels().catch(complain),
  'message:created': ({ message, tempId }) => arrived(message, tempId),
  'message:updated': ({ message }) => renewed(message),
  'message:deleted': ({ messageId }) => {
    messages.delete(messageId)
    showMessages()
  },
  'message:status': ({ messageId, status }) => {
    const message = messages.get(messageId)
    if (message && message.deliveryStatus !== 'READ') message.deliveryStatus = status
    showMessages()
  },
  'reaction:added': ({ reaction }) => {
    const message = messages.get(reaction.messageId)
    if (!message) return
    message.reactions = message.reactions.filter((it) => it.id !== reaction.id).concat(reaction)
    showMessages()
  },
  'reaction:removed': ({ id, messageId }) => {
    const message = messages.get(messageId)
    if (message) message.reactions = message.reactions.filter((it) => it.id !== id)
    showMessages()
  },
  'user:typing': ({ userId, username, channelId, isTyping }) => {
    if (userId === session.id) return
    typists.delete(userId)
    if (isTyping) typists.set(userId, { username, channelId })
    showTyping()
  },
  'user:online': ({ user }) => {
    people.set(user.id, { ...user, isOnline: true })
    showPeople()
  },
  'user:offline': ({ userId }) => {
    const user = people.get(userId)
    if (user) people.set(userId, { ...user, isOnline: false, lastSeenAt: new Date().toISOString() })
    typists.delete(userId)
    showPeople()
    showTyping()
  },
  error: ({ message }) => complain(new Error(message)),
}

function arrived(message, tempId) {
  const isMine = message.userId === session.id
  if (!isMine) link.emit('message:received', { messageId: message.id, processed: true })
  if (message.channelId !== current?.id) {
    if (!isMine) unread.set(message.channelId, (unread.get(message.channelId) ?? 0) + 1)
    return showList()
  }
  if (isMine && tempId) messages.delete(tempId)
  messages.set(message.id, message)
  showMessages()
  if (!isMine) read(message)
}

function renewed(message) {
  if (messages.has(message.id)) messages.set(message.id, message)
  showMessages()
}

/** Only what is looked at has been read. */
function read(message) {
  const isRead = message.userId === session.id || message.deliveryStatus === 'READ'
  if (document.visibilityState !== 'visible' || isRead || message.going) return
  link.emit('message:read', { messageId: message.id, channelId: message.channelId })
}

document.addEventListener('visibilitychange', () => {
  if (link) messages.forEach(read)
})

// --- what is asked for ---------------------------------------------------------------------------

async function refresh() {
  await find()
  await showChannels()
  const chosen = channels.find((it) => it.id === current?.id) ?? channels[0]
  if (chosen) await choose(chosen)
}

async function find() {
  const sought = at('find').value
  const { users } = await ask('GET', `/api/chat/users?q=${encodeURIComponent(sought)}`)
  // An answer to an earlier letter may come later.
  if (at('find').value !== sought) return
  people = new Map(users.map((it) => [it.id, it]))
  showPeople()
}

async function showChannels() {
  channels = (await ask('GET', '/api/chat/channels')).channels
  others = (await ask('GET', '/api/chat/channels?scope=public')).channels
  showList()
}

async function choose(channel) {
  current = channel
  messages = new Map()
  unread.delete(channel.id)
  showList()
  at('channel-title').textContent = title(channel)
  at('about').textContent = channel.description ?? ''
  for (const it of at('send').elements) it.disabled = false
  await more('')
  showTyping()
  for (const it of messages.values()) read(it)
}

/** Loads a part of the current channel's history. */
async function more(query) {
  const { id } = current
  const page = await ask('GET', `/api/chat/channels/${id}/messages${query}`)
  if (current.id !== id) return
  for (const it of page.messages) messages.set(it.id, it)
  at('earlier').hidden = !page.hasMore
  showMessages()
}

at('earlier').onclick = () => more(`?before=${sorted()[0].id}`).catch(complain)

at('create').onsubmit = async (event) => {
  event.preventDefault()
  const form = event.target
  const type = form.elements.private.checked ? 'PRIVATE' : 'PUBLIC'
  const answer = await link.emit('channel:create', { name: form.elements.name.value, type })
  if (!answer.success) return complain(new Error(answer.error))
  form.reset()
  await showChannels()
  await choose(channels.find((it) => it.id === answer.data.id))
}

async function join(channel) {
  const answer = await link.emit('channel:join', { channelId: channel.id })
  if (!answer.success) return complain(new Error(answer.error))
  await showChannels()
  await choose(channels.find((it) => it.id === channel.id))
}

async function write(person) {
  const draft = { type: 'DM', memberIds: [person.id] }
  const answer = await link.emit('channel:create', draft)
  if (!answer.success) return complain(new Error(answer.error))
  await showChannels()
  await choose(channels.find((it) => it.id === answer.data.id))
}

at('send').onsubmit = async (event) => {
  event.preventDefault()
  const content = event.target.content.value
  event.target.reset()
  typedAt = 0
  const tempId = `${Date.now()}-${Math.random().toString(36).slice(2)}`
  const user = { id: session.id, name: session.name }
  const going = { id: tempId, content, userId: session.id, user, reactions: [], going: true }
  messages.set(tempId, { ...going, createdAt: new Date().toISOString() })
  showMessages()
  const said = { channelId: current.id, content, tempId }
  // Said again under the same tempId, it is the same message.
  let answer = await link.emit('message:send', said)
  for (const wait of [1_000, 2_000, 4_000]) {
    if (answer.success || !/respond|connection/.test(answer.error)) break
    await new Promise((resolve) => setTimeout(resolve, wait))
    answer = await link.emit('message:send', said)
  }
  if (answer.success) return
  messages.delete(tempId)
  showMessages()
  complain(new Error(answer.error))
}

at('send').oninput = () => {
  if (Date.now() < typedAt + TYPING_AGAIN) return
  typedAt = Date.now()
  link.emit('typing:start', { channelId: current.id })
}

at('find').oninput = () => find().catch(complain)

// --- what is shown -------------------------------------------------------------------------------

function row(text, act) {
  const item = document.createElement('li')
  const button = document.createElement('button')
  button.type = 'button'
  button.textContent = text
  button.onclick = () => Promise.resolve(act()).catch(complain)
  item.append(button)
  return item
}

function span(kind, text) {
  const it = document.createElement('span')
  it.className = kind
  it.textContent = text
  return it
}

const title = (channel) => channel.with?.name ?? `# ${channel.name}`

function showList() {
  const shown = channels.map((channel) => {
    const item = row(title(channel), () => choose(channel))
    item.firstChild.setAttribute('aria-current', channel.id === current?.id)
    if (channel.type === 'PRIVATE') item.firstChild.append(span('meta', ' private'))
    const count = unread.get(channel.id)
    if (count) item.firstChild.append(span('count', String(count)))
    return item
  })
  at('channels').replaceChildren(...shown)
  at('others-panel').hidden = others.length === 0
  at('others').replaceChildren(...others.map((it) => row(title(it), () => join(it))))
}

/** Messages in order; what is on its way is last. */
const sorted = () =>
  [...messages.values()].sort((a, b) => !!a.going - !!b.going || (a.going ? 0 : a.id - b.id))

function showMessages() {
  const list = at('messages')
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40
  list.replaceChildren(...sorted().map(shownMessage))
  if (isAtEnd) list.scrollTop = list.scrollHeight
}

const STATUS = { SENT: '✓ sent', DELIVERED: '✓✓ delivered', READ: '✓✓ read' }

function shownMessage(message) {
  const isMine = message.userId === session.id
  const item = document.createElement('li')
  item.classList.toggle('mine', isMine)
  item.classList.toggle('going', !!message.going)
  const text = document.createElement('p')
  text.textContent = message.content
  const time = new Date(message.createdAt).toLocaleTimeString([], { timeStyle: 'short' })
  const status = message.going ? '… sending' : isMine ? STATUS[message.deliveryStatus] : ''
  item.append(span('by', message.user.name), text, span('meta', `${time} ${status}`))
  if (!message.going) item.append(like(message))
  return item
}

function like(message) {
  const likes = message.reactions.filter((it) => it.type === LIKE)
  const isLiked = likes.some((it) => it.userId === session.id)
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'like'
  button.textContent = likes.length === 0 ? LIKE : `${LIKE} ${likes.length}`
  button.title = likes.map((it) => it.user.name).join(', ')
  button.setAttribute('aria-pressed', isLiked)
  button.setAttribute('aria-label', `Like “${message.content}”, ${likes.length} so far`)
  button.onclick = () => {
    const event = isLiked ? 'reaction:remove' : 'reaction:add'
    link.emit(event, { messageId: message.id, type: LIKE })
  }
  return button
}

function showTyping() {
  const here = [...typists.values()].filter((it) => it.channelId === current?.id)
  const names = here.map((it) => it.username).join(', ')
  at('typing').textContent = names === '' ? '' : `${names} ${here.length === 1 ? 'is' : 'are'} typing…`
}

function showPeople() {
  const sought = at('find').value.toLowerCase()
  const fits = (it) => it.id !== session.id && it.name.toLowerCase().includes(sought)
  const listed = [...people.values()].filter(fits).sort((a, b) => b.isOnline - a.isOnline)
  at('found').replaceChildren(
    ...listed.map((it) => {
      const item = row(it.name, () => write(it))
      item.firstChild.classList.add('dot')
      item.firstChild.dataset.online = it.isOnline
      const seen = it.lastSeenAt ? `last seen ${new Date(it.lastSeenAt).toLocaleString()}` : 'away'
      item.firstChild.title = it.isOnline ? 'online' : seen
      return item
    }),
  )
}

let complaint = 0
function complain(fault) {
  at('fault').textContent = fault.message
  clearTimeout(complaint)
  complaint = setTimeout(() => { at('fault').textContent = '' }, 8_000)
}

if (session === null) showDoor().catch(complain)
else begin()
