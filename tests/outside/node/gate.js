// A running tidegate for Node's tests: started on a port of its own, looked over when it is done.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const BINARY = process.env.TIDEGATE ?? path.join(ROOT, 'target/debug/tidegate')
const SECRET = 'a-secret-that-backend-and-gateway-share-0123456789'

export const API_KEY = 'an-api-key-that-is-long-enough-to-be-one'
/** Ten times what anything takes here, so that a busy machine fails nothing. */
export const WITHIN = 15_000

const minted = []

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An HS256 access token of this user, good for `ttl` seconds. */
export function token(user, { ttl = 3600, ...claims } = {}) {
  const now = Math.floor(Date.now() / 1000)
  const life = { iat: now, exp: now + ttl, jti: randomUUID() }
  const said = { token_type: 'access', user_id: user, ...life, ...claims }
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(said)}`
  minted.push(`${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`)
  return minted.at(-1)
}

/** Looks again and again, until there is something to see or the time is up. */
export async function until(look, what, within = WITHIN) {
  const deadline = Date.now() + within
  while (true) {
    const seen = await look()
    if (seen) return seen
    assert.ok(Date.now() < deadline, `waited ${within} ms for ${what}`)
    await pause(20)
  }
}

/** Starts the binary with an example, or with a file of our own; resolves once it is ready. */
export async function start(example) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tidegate-'))
  const log = path.join(folder, 'log')
  let port = 0
  let child = null

  async function begin() {
    const file = await open(log, 'a')
    const from = (await readFile(log, 'utf8')).length
    const folderOf = example.includes('/') ? '' : 'examples'
    const config = path.join(ROOT, folderOf, example)
    const args = ['run', '--config', config, '--dev', '--listen', `127.0.0.1:${port}`]
    child = spawn(BINARY, args, {
      stdio: ['ignore', 'ignore', file.fd],
      env: {
        ...process.env,
        TIDEGATE_SECRET: SECRET,
        TIDEGATE_API_KEY: API_KEY,
        TIDEGATE_DATA_DIR: path.join(folder, 'data'),
        TIDEGATE_SERVER_DRAIN_OVER: '0s',
        TIDEGATE_LOG: 'debug',
      },
    })
    await file.close()
    port = await until(async () => {
      const text = (await readFile(log, 'utf8')).slice(from)
      assert.equal(child.exitCode, null, `it ended:\n${text}`)
      return Number(/open version=\S+ address=127\.0\.0\.1:(\d+)/.exec(text)?.[1])
    }, 'the log to say where it listens')
    await until(
      () => fetch(`http://127.0.0.1:${port}/health/ready`).then((it) => it.ok, () => false),
      '/health/ready to answer 200',
    )
  }

  async function end(...signals) {
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    for (const signal of signals) child.kill(signal)
    return ended
  }

  await begin()
  return {
    url: (where, shown) => `ws://127.0.0.1:${port}${where}?token=${encodeURIComponent(shown)}`,
    page: (where) => `http://127.0.0.1:${port}${where}`,
    ask: (method, where, body, bearer) =>
      fetch(`http://127.0.0.1:${port}${where}`, {
        method,
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${bearer}` },
        body: body && JSON.stringify(body),
      }),
    /** The same data at the same address, in a new process. */
    restart: async (signal) => {
      await end(signal)
      await begin()
    },
    /** Stops it. The exit code is 0, and the log holds no panic and no token (A7, F16). */
    close: async () => {
      const code = await end('SIGTERM', 'SIGINT')
      const text = await readFile(log, 'utf8')
      assert.equal(code, 0, text.slice(-2000))
      assert.ok(!text.includes('panicked'), text.slice(text.indexOf('panicked')).slice(0, 2000))
      const parts = minted.flatMap((it) => it.split('.').slice(1))
      assert.deepEqual(parts.filter((it) => text.includes(it)), [], 'tokens in the log')
      await rm(folder, { recursive: true })
    },
  }
}
