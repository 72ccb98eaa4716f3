// Writes the vectors to standard output. See README.md.

const { createRequire } = require('node:module')
const from = createRequire(process.cwd() + '/')
const { Decoder, Encoder, PacketType } = from('socket.io-parser')
const { decodePayload, encodePayload } = from('engine.io-parser')

let seed = 20
function below(bound) {
  // An LCG; good enough to choose with, and the same everywhere.
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
  return (seed >> 8) % bound
}
const one = (list) => list[below(list.length)]
const some = (count, make) => Array.from({ length: below(count + 1) }, make)

const NAMES = ['message', 'message:created', '', 'é"\\\u2028', '__proto__', 'a\u001eb\n', '日本']
const NAMESPACES = ['/', '/', '/admin', '/a/b?c=d', '/__proto__', '/é']
const LEAVES = [null, true, false, 0, -1, 1.5, 1e21, '', 'text', '\u0000\u001e"\\/', '😀', '\ud800']

function bytes() {
  return Buffer.from(some(5, () => below(256)))
}

function value(depth, isBinary) {
  const kind = below(isBinary ? 5 : 4)
  if (kind === 4) return bytes()
  if (kind === 3 && depth > 0) return some(3, () => value(depth - 1, isBinary))
  if (kind === 2 && depth > 0) {
    const keys = some(3, () => one(['a', 'b', 'constructor', 'é"']))
    return Object.fromEntries(keys.map((key) => [key, value(depth - 1, isBinary)]))
  }
  return one(LEAVES)
}

const write = (...line) => process.stdout.write(JSON.stringify(line) + '\n')
const hex = (buffer) => Buffer.from(buffer).toString('hex')

// What their encoder makes of a packet, and our parts to make it of.
function encode(packet) {
  const [text, ...attachments] = new Encoder().encode({ ...packet })
  const parts = JSON.parse(text.slice(text.indexOf('[') >= 0 ? text.indexOf('[') : text.length) || '[]')
  const id = packet.id ?? null
  const args = parts.map((it) => JSON.stringify(it))
  write('encode', packet.type, packet.nsp, id, args, attachments.map(hex), text)
  decode(text, attachments)
}

// What their decoder makes of a text and the bytes behind it.
function decode(text, attachments) {
  const decoder = new Decoder()
  let said = null
  decoder.on('decoded', (packet) => { said = packet })
  try {
    decoder.add(text)
    const waits = said === null
    for (const it of attachments) decoder.add(it)
    if (said === null) return write('decode', text, attachments.map(hex), 'waits')
    const { type, nsp, id = null, data } = said
    const plain = data === undefined ? null : waits ? null : JSON.stringify(data)
    write('decode', text, attachments.map(hex), 'said', type, nsp, id, plain)
  } catch {
    write('decode', text, attachments.map(hex), 'refused')
  }
}

function packets(count) {
  for (let index = 0; index < count; index += 1) {
    const isBinary = below(3) === 0
    const args = some(3, () => value(2, isBinary))
    const nsp = one(NAMESPACES)
    if (below(3) > 0) {
      const id = below(2) ? below(1000) : undefined
      encode({ type: PacketType.EVENT, nsp, id, data: [one(NAMES), ...args] })
    } else {
      encode({ type: PacketType.ACK, nsp, id: below(1000), data: args })
    }
  }
}

// Texts next to those that packets have: a character gone, doubled, or another.
function nearly(count) {
  const right = [
    '0', '0{"token":"a"}', '0/a,{"token":"a"}', '1', '1/a,', '2["a",1]', '2/a,17["a"]', '312["a"]',
    '3/a,0[]', '4{"message":"no"}', '4"no"', '51-["a",{"_placeholder":true,"num":0}]',
    '61-/a,1[{"num":0,"_placeholder":true}]', '2["a",{"b":[1,"c"]}]',
  ]
  const letters = ['0', '1', '2', '-', '/', ',', '[', ']', '{', '}', '"', 'a', ' ', ':', '\\', 'é']
  for (let index = 0; index < count; index += 1) {
    const text = one(right)
    const at = below(text.length)
    const [before, after] = [text.slice(0, at), text.slice(at + 1)]
    const doubled = before + text[at] + text[at] + after
    const changed = one([before + after, doubled, before + one(letters) + after])
    const announced = /^[56](\d+)-/.exec(changed)
    const attachments = announced ? Math.min(Number(announced[1]), 11) : 0
    decode(changed, Array.from({ length: attachments }, bytes))
  }
}

function payloads(count) {
  const types = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop']
  for (let index = 0; index < count; index += 1) {
    const list = Array.from({ length: 1 + below(4) }, () => {
      const data = below(3) ? one(['', 'hello', 'é😀', '{"a":1}']) : bytes()
      return { type: 'message', data }
    })
    const shown = list.map(({ data }) => (typeof data === 'string' ? data : [hex(data)]))
    encodePayload(list, (text) => write('payload', shown, text))
  }
  for (let index = 0; index < count; index += 1) {
    const text = some(4, () => one(['4a', '4', '3', '6', 'bAQID', 'bAQIDBA==', 'b', '7', 'x', '', '1', '5']))
      .join('\u001e')
    const read = decodePayload(text, 'nodebuffer').map(({ type, data }) => {
      if (type === 'error') return 'error'
      const shown = typeof data === 'string' || data === undefined ? data ?? '' : [hex(data)]
      return [types.indexOf(type), shown]
    })
    write('polled', text, read)
  }
}

packets(160)
nearly(240)
payloads(60)
