// The desk: signs in as someone of the seed, shows the house, checks members in and out.
//
// All that comes from the server is written as text, never as markup: names are chosen by people.

const HEARTBEAT_MS = 10_000
const SILENCE_MS = 25_000
const BACKOFF_MS = 500
const BACKOFF_MAX_MS = 20_000
const FEED_MAX = 50

const byId = id => document.getElementById(id)
const person = byId('person')
const search = byId('search')

let people = []
let token = null
/** The socket in use. One that was replaced is no longer listened to. */
let socket = null
let attempt = 0
let retry = null
let heardAt = 0

// Who

async function begin() {
  try {
    const answer = await fetch('/api/dev/people')
    if (!answer.ok) throw new Error('This page signs in with the development login: start with --dev.')
    people = (await answer.json()).people.filter(it => it.user?.app === 'checkins')
  } catch (error) {
    toast(error.message)
    return
  }
  for (const { username, user } of people) {
    person.append(element('option', { value: username }, `${user.full_name} (${user.role})`))
  }
  const wanted = new URLSearchParams(location.search).get('as') ?? sessionStorage.getItem('person')
  person.value = people.some(it => it.username === wanted) ? wanted : (people[0]?.username ?? '')
  await signIn()
}

async function signIn() {
  leave()
  const chosen = people.find(it => it.username === person.value)
  if (!chosen) return
  sessionStorage.setItem('person', chosen.username)
  try {
    const { username, password } = chosen
    const { access } = await ask('/api/auth/token/', { username, password })
    // Someone else may have been chosen meanwhile.
    if (person.value !== username) return
    token = access
  } catch (error) {
    toast(error.message)
    return
  }
  open()
  await showMembers()
}

/** Everything of the last person goes. */
function leave() {
  token = null
  clearTimeout(retry)
  const old = socket
  socket = null
  old?.close(1000)
  attempt = 0
  byId('members').replaceChildren()
  byId('members-note').textContent = ''
  show('signed-out', 'Signed out')
}

// The connection

function open() {
  show('connecting', 'Connecting…')
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  const query = `token=${encodeURIComponent(token)}`
  const it = new WebSocket(`${scheme}://${location.host}/ws/checkins/?${query}`)
  socket = it
  it.onopen = () => { heardAt = Date.now() }
  it.onmessage = ({ data }) => { if (it === socket) hear(data) }
  it.onclose = ({ code, reason }) => { if (it === socket) closed(code, reason) }
}

function closed(code, reason) {
  socket = null
  // 1000: it was meant. 4001: the same token will be refused again.
  if (code === 1000 || code === 4001) {
    show('closed', code === 4001 ? 'Not signed in: choose again' : 'Closed')
    if (code === 4001) toast(reason || 'The token was refused.')
    return
  }
  // Jitter over the whole wait, so that a thousand pages do not come back in one instant.
  const most = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** attempt)
  const wait = most * (0.2 + 0.8 * Math.random())
  attempt += 1
  show('waiting', `Reconnecting in ${Math.ceil(wait / 1000)} s…`)
  retry = setTimeout(open, wait)
}

function hear(data) {
  heardAt = Date.now()
  const { type, payload } = JSON.parse(data)
  const step = STEPS[type]
  if (step) step(payload ?? {})
}

const STEPS = {
  // Not when the socket opens but when the server speaks: a refusal may still come in between.
  initial_stats: stats => { attempt = 0; show('ready', 'Live'); showStats(stats); showMembersSoon() },
  check_in_stats: showStats,
  activity_notification: showActivity,
  member_checked_in: showMembersSoon,
  member_checked_out: showMembersSoon,
  check_in_success: it => toast(`${it.member.full_name} is in.`, 'good'),
  check_out_success: it => toast(`${it.member.full_name} is out.`, 'good'),
  check_in_error: it => { toast(it.error); showMembersSoon() },
  check_out_error: it => { toast(it.error); showMembersSoon() },
  error: it => toast(it.message),
}

function say(type, data) {
  if (socket?.readyState !== WebSocket.OPEN) return toast('Not connected. Try again in a moment.')
  socket.send(JSON.stringify({ type, data }))
}

setInterval(() => {
  if (socket?.readyState !== WebSocket.OPEN) return
  if (heardAt + SILENCE_MS < Date.now()) {
    // A line that went dead says nothing, not even that it closed.
    const old = socket
    closed(1006, '')
    old.close()
    return
  }
  socket.send(JSON.stringify({ type: 'heartbeat', timestamp: Date.now() }))
}, HEARTBEAT_MS)

// What is seen

function show(at, text) {
  byId('status').dataset.at = at
  byId('status').textContent = text
}

function showStats({ currentlyIn, todayTotal, averageStayMinutes }) {
  byId('currently-in').textContent = currentlyIn
  byId('today-total').textContent = todayTotal
  byId('average-stay').textContent = averageStayMinutes
}

function showActivity({ activity, member, timestamp, location: place, duration_minutes: minutes }) {
  const came = activity === 'check_in'
  const about = [new Date(timestamp).toLocaleTimeString(), place]
  if (minutes !== undefined) about.push(`after ${minutes} min`)
  const line = element('div', {}, member.full_name)
  line.append(element('small', {}, about.filter(Boolean).join(' · ')))
  const item = element('li', {})
  item.append(line, element('span', { className: came ? 'in' : 'out' }, came ? 'came in' : 'left'))
  const feed = byId('activity')
  feed.prepend(item)
  while (FEED_MAX < feed.children.length) feed.lastChild.remove()
  byId('activity-note').textContent = ''
}

let soon = null

/** Once for many changes: a class that arrives is one new list, not thirty. */
function showMembersSoon() {
  clearTimeout(soon)
  soon = setTimeout(showMembers, 150)
}

async function showMembers() {
  if (!token) return
  const [asked, by] = [search.value, token]
  let found
  try {
    found = await ask(`/api/members/?search=${encodeURIComponent(asked)}`)
  } catch (error) {
    byId('members-note').textContent = error.message
    return
  }
  // An answer that was overtaken by another question is not shown.
  if (asked !== search.value || by !== token) return
  byId('members').replaceChildren(...found.results.map(memberItem))
  const more = found.count - found.results.length
  byId('members-note').textContent = more ? `and ${more} more` : found.count ? '' : 'Nobody found.'
}

function memberItem(member) {
  const line = element('div', {}, member.full_name)
  line.append(element('small', {}, [member.membership_number, member.membership_type].filter(Boolean).join(' · ')))
  const inside = member.check_in_id !== null
  const label = inside ? 'Check out' : 'Check in'
  const button = element('button', { type: 'button', className: inside ? '' : 'primary' }, label)
  button.setAttribute('aria-label', `${label} ${member.full_name}`)
  button.onclick = () => {
    if (inside) say('check_out', { checkInId: member.check_in_id })
    else say('check_in', { memberId: member.id, location: byId('location').value })
  }
  const item = element('li', {})
  item.append(line, button)
  return item
}

function toast(text, kind = '') {
  const it = element('p', { className: kind }, text)
  byId('toasts').append(it)
  setTimeout(() => it.remove(), 5000)
}

function element(name, properties, text = '') {
  const it = Object.assign(document.createElement(name), properties)
  it.textContent = text
  return it
}

async function ask(path, body) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  const options = body
    ? { method: 'POST', headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    : { headers }
  const answer = await fetch(path, options)
  const said = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(said.message ?? `The server answered ${answer.status}.`)
  return said
}

person.onchange = signIn
search.oninput = showMembersSoon
begin()
