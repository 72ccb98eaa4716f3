// The `ws` library, with frames one can wait for.

import WebSocket from 'ws'

import { WITHIN } from './gate.js'

/** Opens a connection. Rejects with `{status, body}` if it is refused before the upgrade. */
export function connect(url, { protocols = [], ...options } = {}) {
  const socket = new WebSocket(url, protocols, { handshakeTimeout: WITHIN, ...options })
  const frames = []
  let wake = () => {}
  let ended = null
  socket.on('message', (data, isBinary) => {
    frames.push(isBinary ? data : JSON.parse(data.toString()))
    wake()
  })
  socket.on('close', (code, reason) => {
    ended = { code, reason: reason.toString() }
    wake()
  })
  socket.on('error', () => {})

  /** Waits for what `look` finds among what was heard, or for the end. */
  function when(look, what) {
    return new Promise((resolve, reject) => {
      const given = setTimeout(() => {
        wake = () => {}
        const heard = JSON.stringify(frames).slice(0, 500)
        reject(new Error(`waited ${WITHIN} ms for ${what}; heard ${heard}`))
      }, WITHIN)
      wake = () => {
        const found = look()
        if (found === undefined && ended === null) return
        clearTimeout(given)
        wake = () => {}
        if (found !== undefined) resolve(found)
        else reject(new Error(`closed with ${ended.code} (${ended.reason}) instead of ${what}`))
      }
      wake()
    })
  }

  const client = {
    socket,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    /** The next frame that fits; those before it are dropped. */
    hear: (fits = () => true, what = 'a frame') =>
      when(() => {
        const index = frames.findIndex((it) => fits(it))
        return index < 0 ? undefined : frames.splice(0, index + 1).at(-1)
      }, what),
    hearKind: (kind) => client.hear((it) => it.type === kind, `a ${kind}`),
    /** How it ended: `{code, reason}`. */
    end: () => when(() => ended ?? undefined, 'the end'),
    close: () => {
      socket.close(1000)
      return client.end()
    },
  }

  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(client))
    socket.once('error', reject)
    socket.once('unexpected-response', (_, response) => {
      const chunks = []
      response.on('data', (it) => chunks.push(it))
      response.on('end', () => {
        reject({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) })
      })
    })
  })
}
