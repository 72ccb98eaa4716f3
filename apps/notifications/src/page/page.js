// Watch notifications work: sign in, see what arrives, send something.
//
// What others wrote only ever becomes text (`textContent`), never markup.

const at = (id) => document.getElementById(id)

/** @type {{access: string, refresh: string | null, user: any} | null} */
let session = JSON.parse(sessionStorage.getItem('session') ?? 'null')
let people = []
let unread = []

// --- connections ---------------------------------------------------------------------------------

const ATTEMPT_MAX = 8
/** Codes after which coming back as we are would be refused again. */
const FINAL = new Set([4001, 4003, 4004, 4005])

/**
 * A connection that comes back. `told` gets every frame, `seen` every change of state:
 * idle, connecting, open, waiting, refused.
 */
function connection(path, seen, told) {
  let socket = null
  let attempt = 0
  let timer = 0
  let wasOpen = false
  let wasWelcome = false

  async function open() {
    seen('connecting', 'Connecting…')
    wasOpen = false
    let token = null
    try {
      token = await freshToken()
    } catch {
      return closed(1006)
    }
    if (token === null) return refuse('Sign in again')
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    socket = new WebSocket(`${scheme}://${location.host}${path}?token=${encodeURIComponent(token)}`)
    socket.onopen = () => {
      wasOpen = true
      seen('open', 'Connected')
    }
    socket.onmessage = (event) => {
      // Only a frame shows that we are welcome; an accepted connection may yet be closed at once.
      attempt = 0
      wasWelcome = true
      told(JSON.parse(event.data))
    }
    socket.onclose = (event) => closed(event.code)
  }

  function closed(code) {
    socket = null
    if (FINAL.has(code)) return refuse(code === 4001 ? 'Sign in again' : 'Not allowed')
    attempt += 1
    // Refused before the upgrade looks like this too: a browser does not say which.
    if (ATTEMPT_MAX < attempt || (!wasWelcome && 3 < attempt)) return refuse('Could not connect')
    // Full jitter, so that everyone who was parted together does not return together.
    const most = Math.min(30_000, (wasOpen ? 500 : 2_000) * 2 ** attempt)
    const wait = most / 4 + Math.random() * most * 0.75
    seen('waiting', `Back in ${Math.ceil(wait / 1000)} s`)
    timer = setTimeout(open, wait)
  }

  function refuse(text) {
    attempt = 0
    seen('refused', text)
  }

  function close() {
    clearTimeout(timer)
    if (socket !== null) socket.onclose = null
    socket?.close(1000)
    socket = null
    seen('idle', 'Not connected')
  }

  return {
    open,
    close,
    say: (message) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
      else toast({ type: 'warning', title: 'Not sent', message: 'There is no connection.' })
    },
  }
}

/** Shows a connection's state where people look for it. */
function indicator(id) {
  return (state, text) => {
    at(id).dataset.state = state
    at(id).textContent = text
  }
}

// --- who -----------------------------------------------------------------------------------------

async function ask(method, path, body) {
  const headers = { 'Content-Type': 'application/json' }
  if (session !== null) headers.Authorization = `Bearer ${await freshToken()}`
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) })
  const told = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(told.message ?? `HTTP ${answer.status}`)
  return told
}

/** The access token, renewed when less than a minute of it is left. `null`: sign in again. */
async function freshToken() {
  if (session === null) return null
  if (Date.now() / 1000 < expiry(session.access) - 60) return session.access
  if (session.refresh === null) return session.access
  const answer = await fetch('/api/auth/token/refresh/', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ refresh: session.refresh }),
  })
  if (answer.status === 401) return null
  if (answer.ok) keep({ ...session, ...(await answer.json()) })
  return session.access
}

function claims(token) {
  try {
    return JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
  } catch {
    return {}
  }
}

const expiry = (token) => claims(token).exp ?? Infinity

/** In `sessionStorage`, so that two windows can be two people. */
function keep(next) {
  session = next
  if (next === null) sessionStorage.removeItem('session')
  else sessionStorage.setItem('session', JSON.stringify(next))
}

async function findPeople() {
  const answer = await fetch('/api/dev/people').catch(() => null)
  if (!answer?.ok) {
    at('token-form').hidden = false
    return
  }
  // Other applications' people may be listed too; ours have one of these roles.
  const ours = ['Admin', 'DepartmentAdmin', 'Advisor', 'Student']
  people = (await answer.json()).people.filter((it) => ours.includes(it.user?.role))
  at('people').replaceChildren(
    ...people.map((person) => {
      const button = make('button', { type: 'button' }, nameOf(person.user))
      button.append(make('span', { className: 'meta' }, person.user.role))
      button.onclick = () => signIn(person)
      return within('li', button)
    }),
  )
}

async function signIn({ username, password }) {
  try {
    const told = await ask('POST', '/api/auth/login/', { username, password })
    keep({ access: told.access, refresh: told.refresh, user: told.user })
    arrive()
  } catch (fault) {
    toast({ type: 'error', title: 'Not signed in', message: fault.message })
  }
}

function arrive() {
  at('door').hidden = true
  at('desk').hidden = false
  at('who').hidden = false
  at('name').textContent = `${nameOf(session.user)} (${session.user.role})`
  at('send-panel').hidden = session.user.role === 'Student'
  offerRecipients()
  inbox.open()
}

function signOut() {
  keep(null)
  location.reload()
}

const nameOf = (user) => (user.first_name ? `${user.first_name} ${user.last_name}` : user.username)

// --- notifications -------------------------------------------------------------------------------

const inbox = connection('/ws/notifications/', indicator('status'), (frame) => {
  switch (frame.type) {
    case 'notifications_list':
      unread = frame.data
      return showUnread()
    case 'notification':
      if (!unread.some((it) => it.id === frame.data.id)) unread = [frame.data, ...unread]
      toast(frame.data)
      return showUnread()
    case 'error':
      return toast({ type: 'error', title: frame.code, message: frame.message })
  }
})

function showUnread() {
  const count = unread.length
  at('badge').hidden = count === 0
  at('badge').textContent = count < 10 ? String(count) : '10+'
  document.title = count === 0 ? 'Notifications' : `(${count}) Notifications`
  at('empty').hidden = count !== 0
  at('read-all').hidden = count === 0
  at('list').replaceChildren(...unread.map(item))
}

function item(notice) {
  const read = make('button', { type: 'button', className: 'quiet' }, 'Mark as read')
  read.onclick = () => inbox.say({ action: 'mark_read', notification_id: notice.id })
  const head = within('div', make('p', { className: 'title' }, notice.title), read)
  head.className = 'row'
  const when = new Date(notice.timestamp).toLocaleTimeString()
  const to = { user: 'to you', role: `to every ${notice.recipient_id}`, all: 'to everyone' }
  const meta = `${when} · ${notice.priority} · ${to[notice.recipient_type] ?? ''}`
  const line = within('li', head, make('p', {}, notice.message), make('p', { className: 'meta' }, meta))
  // The server lets only paths and http(s) through; a page should not have to trust that.
  if (/^(\/(?!\/)|https?:\/\/)/.test(notice.action_url ?? '')) {
    const link = make('a', { href: notice.action_url, rel: 'noreferrer' }, notice.action_text ?? 'Open')
    const [, project] = /^\/projects\/(\d+)\/$/.exec(notice.action_url) ?? []
    if (project) link.onclick = (event) => { event.preventDefault(); watch(project) }
    line.append(link)
  }
  line.dataset.kind = notice.type
  return line
}

async function readAll() {
  try {
    const ids = unread.map((it) => it.id)
    const body = { notification_ids: ids, updates: { is_read: true } }
    await ask('POST', '/api/notifications/bulk-update/', body)
    inbox.say({ action: 'get_notifications' })
  } catch (fault) {
    toast({ type: 'error', title: 'Not marked', message: fault.message })
  }
}

function offerRecipients() {
  const options = [make('option', { value: 'role:Student' }, 'every student')]
  if (session.user.role !== 'Advisor') {
    options.unshift(make('option', { value: 'all:' }, 'everyone'))
    for (const role of ['Advisor', 'DepartmentAdmin', 'Admin']) {
      options.push(make('option', { value: `role:${role}` }, `every ${role}`))
    }
  }
  for (const { user } of people) {
    options.push(make('option', { value: `user:${user.id}` }, nameOf(user)))
  }
  at('send').elements.recipient.replaceChildren(...options)
}

async function send(event) {
  event.preventDefault()
  const { recipient, ...draft } = Object.fromEntries(new FormData(event.target))
  const [recipient_type, recipient_id] = recipient.split(':')
  try {
    await ask('POST', '/api/notifications/', { ...draft, recipient_type, recipient_id })
    at('sent').textContent = 'Sent.'
    event.target.elements.title.value = ''
    event.target.elements.message.value = ''
  } catch (fault) {
    at('sent').textContent = fault.message
  }
}

// --- a project -----------------------------------------------------------------------------------

// Connected on demand: an address may only have a few connections, and two windows share one.
let project = null

function watch(id) {
  project?.close()
  at('project').replaceChildren()
  const path = `/ws/projects/${encodeURIComponent(id)}/`
  project = connection(path, indicator('project-status'), (frame) => {
    if (frame.type === 'project_status') showProject(frame.data)
    if (frame.type === 'project_update') {
      project.say({ action: 'get_status' })
      const { milestone_updated: milestone, updated_by: author } = frame.data
      const message = `${milestone.name}: ${milestone.status}, says ${author}`
      toast({ type: 'info', title: 'Milestone', message })
    }
    if (frame.type === 'error') toast({ type: 'error', title: frame.code, message: frame.message })
  })
  project.open()
}

const STAGES = ['pending', 'in_progress', 'completed', 'overdue']

function showProject(status) {
  if (status === null) return at('project').replaceChildren(make('p', {}, 'There is no such project.'))
  const people = `${status.status} · advisor ${status.advisor ?? 'none'} · ${status.students.length} students`
  const list = make('ul', { className: 'milestones' })
  list.append(...status.milestones.map(milestone))
  const title = make('p', { className: 'title' }, status.title)
  at('project').replaceChildren(title, make('p', { className: 'meta' }, people), list)
}

function milestone({ id, name, status, due_date: due }) {
  const select = make('select', { ariaLabel: `Status of ${name}` })
  const stages = STAGES.includes(status) ? STAGES : [...STAGES, status]
  select.append(...stages.map((it) => make('option', { value: it, selected: it === status }, it)))
  select.disabled = session.user.role === 'Student'
  select.onchange = () => {
    const milestone_data = { milestone_id: id, status: select.value }
    project.say({ action: 'update_milestone', milestone_data })
  }
  const label = make('span', { className: 'name' }, name)
  return within('li', label, make('span', { className: 'meta' }, due ?? 'no date'), select)
}

// --- a room --------------------------------------------------------------------------------------

let room = null
const pointers = new Map()

function join(name) {
  room?.close()
  pointers.clear()
  at('room').replaceChildren()
  at('room').hidden = false
  at('speak').hidden = false
  const path = `/ws/collaboration/${encodeURIComponent(name)}/`
  room = connection(path, indicator('room-status'), (frame) => {
    switch (frame.type) {
      case 'user_left':
        pointers.get(frame.user)?.remove()
        pointers.delete(frame.user)
        at('heard').textContent = frame.message
        return
      case 'user_joined':
        at('heard').textContent = frame.message
        return
      case 'cursor_update':
        return movePointer(frame.user, frame.position)
      case 'text_change':
        at('heard').textContent = `${frame.user}: ${frame.changes?.text ?? ''}`
        return
    }
  })
  room.open()
}

function movePointer(user, position) {
  const [x, y] = [Number(position?.x), Number(position?.y)]
  if (!Number.isFinite(x) || !Number.isFinite(y)) return
  if (!pointers.has(user)) {
    pointers.set(user, make('span', { className: 'pointer' }, user))
    at('room').append(pointers.get(user))
  }
  const { clientWidth, clientHeight } = at('room')
  const [left, top] = [x * clientWidth, y * clientHeight]
  pointers.get(user).style.transform = `translate(${left}px, ${top}px)`
}

// One in 1.5 s leaves room below 60 messages a minute; the stylesheet glides between.
const POINTER_INTERVAL = 1500
let pointed = 0

function point(event) {
  if (event.timeStamp - pointed < POINTER_INTERVAL) return
  pointed = event.timeStamp
  const box = at('room').getBoundingClientRect()
  const x = (event.clientX - box.left) / box.width
  const y = (event.clientY - box.top) / box.height
  room?.say({ action: 'cursor_update', position: { x, y } })
}

function speak(event) {
  event.preventDefault()
  const { text } = Object.fromEntries(new FormData(event.target))
  room?.say({ action: 'text_change', changes: { position: 0, text, length: text.length } })
  at('heard').textContent = `You: ${text}`
  event.target.reset()
}

// --- making --------------------------------------------------------------------------------------

function make(tag, properties = {}, text = '') {
  return Object.assign(document.createElement(tag), properties, { textContent: text })
}

function within(tag, ...children) {
  const element = document.createElement(tag)
  element.append(...children)
  return element
}

function toast(notice) {
  const card = within('div', make('p', { className: 'title' }, notice.title), make('p', {}, notice.message))
  card.className = 'toast'
  card.dataset.kind = notice.type
  at('toasts').append(card)
  while (5 < at('toasts').childElementCount) at('toasts').firstElementChild.remove()
  setTimeout(() => card.remove(), 6000)
}

at('leave').onclick = signOut
at('read-all').onclick = readAll
at('send').onsubmit = send
at('speak').onsubmit = speak
at('room').onpointermove = point
at('watch').onsubmit = (event) => {
  event.preventDefault()
  watch(event.target.elements.id.value)
}
at('join').onsubmit = (event) => {
  event.preventDefault()
  join(event.target.elements.room.value)
}
at('token-form').onsubmit = (event) => {
  event.preventDefault()
  const access = event.target.elements.token.value.trim()
  const { user_id: id, username = `user ${id}`, role = '' } = claims(access)
  keep({ access, refresh: null, user: { id, username, role } })
  arrive()
}

await findPeople()
if (session !== null) arrive()
