// The page's connection: over the stock socket.io-client where there is one (`globalThis.io`), and
// otherwise over as much of Socket.IO 5 and Engine.IO 4 as this page needs: text, one namespace,
// WebSocket. The client is not ours to bring along; tests put it there.

/** How long an answer may take, as the shipped client has it. */
const ANSWER_WITHIN = 5_000

const lost = (error) => ({ success: false, error })

/**
 * A connection that comes back. `auth` makes what is said at each CONNECT, or null to give up;
 * `seen` gets every change of state (connecting, open, waiting, refused), `heard` every event.
 *
 * `emit` says something, and resolves with `{success, data?, error?}`.
 */
export const connect = (how) => (globalThis.io ? stock(how) : own(how))

function stock({ auth, seen, heard }) {
  const socket = globalThis.io({
    transports: ['websocket'],
    auth: async (say) => {
      seen('connecting', 'Connecting…')
      const said = await auth().catch(() => ({}))
      if (said !== null) return say(said)
      socket.close()
      seen('refused', 'Sign in again')
    },
  })
  const parted = (text) =>
    socket.active ? seen('waiting', 'Connection lost') : seen('refused', text)
  socket.on('connect', () => seen('open', 'Connected by socket.io-client'))
  socket.on('connect_error', (fault) => parted(fault.message))
  socket.on('disconnect', () => parted('Ended by the server'))
  socket.onAny((event, value) => heard(event, value))
  return {
    emit: (event, value) =>
      socket
        .timeout(ANSWER_WITHIN)
        .emitWithAck(event, value)
        .catch(() => lost('Server did not respond in time')),
    close: () => socket.off().offAny().close(),
  }
}

function own({ auth, seen, heard }) {
  let socket = null
  let attempt = 0
  let timer = 0
  let silence = 0
  let alive = 0
  let next = 0
  let waiting = new Map()
  /** What the server knows this connection by, and how far it has heard. */
  let state = {}

  async function open() {
    seen('connecting', 'Connecting…')
    const said = await auth().catch(() => undefined)
    if (said === null) return refuse('Sign in again')
    if (said === undefined) return comeBack()
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    socket = new WebSocket(`${scheme}://${location.host}/socket.io/?EIO=4&transport=websocket`)
    socket.onmessage = ({ data }) => take(data, said)
    socket.onclose = comeBack
  }

  /** Engine.IO: the first character says what a packet is. */
  function take(data, said) {
    listen()
    if (data[0] === '0') {
      const { pingInterval, pingTimeout } = JSON.parse(data.slice(1))
      alive = pingInterval + pingTimeout
      listen()
      socket.send(`40${JSON.stringify({ ...state, ...said })}`)
    } else if (data[0] === '2') {
      socket.send('3')
    } else if (data[0] === '4') {
      message(data.slice(1))
    }
  }

  /** Socket.IO: so does the second. */
  function message(text) {
    const [, kind, number, json] = /^(\d)(\d*)(.*)$/s.exec(text)
    const values = json === '' ? null : JSON.parse(json)
    if (kind === '0') {
      attempt = 0
      state.pid = values.pid
      seen('open', 'Connected')
    } else if (kind === '1') {
      refuse('Ended by the server')
    } else if (kind === '2') {
      const last = values.at(-1)
      if (state.pid && typeof last === 'string') state.offset = last
      heard(...values)
    } else if (kind === '3') {
      answered(Number(number), values[0])
    } else if (kind === '4') {
      refuse(values.message)
    }
  }

  /** The server pings; when it does not, the connection is gone without a word. */
  function listen() {
    clearTimeout(silence)
    const heardFrom = socket
    if (0 < alive) silence = setTimeout(() => heardFrom?.close(), alive)
  }

  function answered(number, answer) {
    waiting.get(number)?.(answer)
    waiting.delete(number)
  }

  function comeBack() {
    drop()
    attempt += 1
    // Full jitter, so that everyone who was parted together does not return together.
    const most = Math.min(10_000, 500 * 2 ** attempt)
    seen('waiting', 'Connection lost')
    timer = setTimeout(open, most / 4 + Math.random() * most * 0.75)
  }

  function refuse(text) {
    drop()
    seen('refused', text)
  }

  function drop() {
    clearTimeout(timer)
    clearTimeout(silence)
    for (const number of [...waiting.keys()]) answered(number, lost('The connection was lost'))
    if (socket === null) return
    socket.onclose = null
    socket.onmessage = null
    socket.close()
    socket = null
  }

  open()
  return {
    emit: (event, value) =>
      new Promise((resolve) => {
        if (socket?.readyState !== WebSocket.OPEN) return resolve(lost('There is no connection'))
        const number = next++
        waiting.set(number, resolve)
        setTimeout(answered, ANSWER_WITHIN, number, lost('Server did not respond in time'))
        socket.send(`42${number}${JSON.stringify([event, value])}`)
      }),
    close: drop,
  }
}
