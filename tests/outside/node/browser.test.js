// Chromium on the pages of the demo: two windows, two people, everything live.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { chromium } from 'playwright-core'

import { start, until, WITHIN } from './gate.js'

let gate, browser
before(async () => {
  gate = await start('demo.toml')
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  })
})
after(async () => {
  await browser?.close()
  await gate?.close()
})

/** A window of its own, with nothing shared but the server, that writes down what goes wrong. */
async function look(where, { script } = {}) {
  const context = await browser.newContext()
  if (script) await context.addInitScript({ path: script })
  context.setDefaultTimeout(WITHIN)
  const page = await context.newPage()
  const faults = []
  page.on('console', (it) => {
    if (['error', 'warning'].includes(it.type())) faults.push(`${it.type()}: ${it.text()}`)
  })
  page.on('pageerror', (it) => faults.push(`uncaught: ${it}`))
  page.on('dialog', (it) => { faults.push(`dialog: ${it.message()}`); it.dismiss() })
  // What the policy forbids is told to the page, and to us.
  await page.exposeFunction('forbidden', (text) => faults.push(`policy: ${text}`))
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (it) => {
      globalThis.forbidden(`${it.violatedDirective} ${it.blockedURI}`)
    })
  })
  const answer = await page.goto(gate.page(where))
  assert.equal(answer.status(), 200)
  assert.match(answer.headers()['content-security-policy'], /connect-src 'self' ws:\/\/127/)
  return {
    page,
    leave: async () => {
      await context.close()
      assert.deepEqual(faults, [])
    },
  }
}

const status = (page, id, text) =>
  page.getByRole('status').and(page.locator(`#${id}`)).filter({ hasText: text }).waitFor()

test('R47, R78, R130: a check-in in one window shows in the other', async () => {
  const [here, there] = [await look('/checkins/'), await look('/checkins/?as=gym-admin')]
  for (const { page } of [here, there]) await status(page, 'status', 'Live')
  await here.page.getByLabel('Sign in as').selectOption({ label: 'Sol Okafor (staff)' })
  await status(here.page, 'status', 'Live')

  const inside = () => there.page.locator('#currently-in').textContent().then(Number)
  const earlier = await inside()
  await here.page.getByLabel('Location').fill('Pool')
  await here.page.getByRole('button', { name: 'Check in Dana Kowalska' }).click()
  for (const { page } of [here, there]) {
    const line = page.getByRole('log').getByRole('listitem').filter({ hasText: 'Dana Kowalska' })
    await line.filter({ hasText: 'came in' }).filter({ hasText: 'Pool' }).waitFor()
  }
  await there.page.locator('#currently-in').filter({ hasText: String(earlier + 1) }).waitFor()

  await there.page.getByRole('button', { name: 'Check out Dana Kowalska' }).click()
  const left = here.page.getByRole('log').getByRole('listitem').filter({ hasText: 'left' })
  await left.filter({ hasText: 'Dana Kowalska' }).waitFor()
  await here.page.getByRole('button', { name: 'Check in Dana Kowalska' }).waitFor()
  await here.leave()
  await there.leave()
})

test('D2: names are text, whatever is in them', async () => {
  const { page, leave } = await look('/checkins/?as=gym-staff')
  await status(page, 'status', 'Live')
  await page.getByLabel('Find a member').fill('Sunny')
  await page.getByRole('button', { name: 'Check in Sunny <b>Bold</b>' }).click()
  await page.getByRole('log').getByText('Sunny <b>Bold</b>').waitFor()
  assert.equal(await page.locator('b').count(), 0)
  await leave()
})

test('R47, R73, R130: a notification sent in one window appears in the other', async () => {
  const [ada, sam] = [await look('/notifications/'), await look('/notifications/')]
  await ada.page.getByRole('button', { name: 'Ada Byron' }).click()
  await sam.page.getByRole('button', { name: 'Sam Okafor' }).click()
  for (const { page } of [ada, sam]) await status(page, 'status', 'Connected')

  const form = ada.page.locator('#send')
  await form.locator('[name=recipient]').selectOption({ label: 'Sam Okafor' })
  await form.getByLabel('Kind').selectOption('warning')
  await form.getByLabel('Title').fill('Tide at six <img src=x onerror=alert(1)>')
  await form.getByLabel('Message').fill('Bring boots.')
  await form.getByRole('button', { name: 'Send' }).click()
  await form.getByText('Sent.').waitFor()

  const list = sam.page.locator('#list').getByRole('listitem')
  const arrived = list.filter({ hasText: 'Tide at six <img' })
  await arrived.waitFor()
  await sam.page.getByRole('log', { name: 'New notifications' }).getByText('Tide at six').waitFor()
  await arrived.getByRole('button', { name: 'Mark as read' }).click()
  await arrived.waitFor({ state: 'detached' })
  assert.equal(await ada.page.locator('#list').getByText('Tide at six').count(), 0)
  await ada.leave()
  await sam.leave()
})

test('R76, R79: two people meet at a project and in a room', async () => {
  const [alan, tess] = [await look('/notifications/'), await look('/notifications/')]
  await alan.page.getByRole('button', { name: 'Alan Mathison' }).click()
  await tess.page.getByRole('button', { name: 'Tess Lindqvist' }).click()
  for (const { page } of [alan, tess]) {
    await page.getByRole('button', { name: 'Watch' }).click()
    await page.getByText('Tide tables from old logbooks').waitFor()
    await page.getByRole('button', { name: 'Join' }).click()
    await status(page, 'room-status', 'Connected')
  }
  await alan.page.getByLabel('Status of Final report').selectOption('in_progress')
  await tess.page.getByText('Final report: in_progress, says alan').waitFor()
  assert.equal(await tess.page.getByLabel('Status of Final report').isDisabled(), true)

  await tess.page.getByLabel('Say').fill('Ahoy')
  await tess.page.getByRole('button', { name: 'Say' }).click()
  await alan.page.getByText('tess: Ahoy').waitFor()
  await alan.leave()
  await tess.leave()
})

/** As browsers load it. The page uses it where it is. */
const STOCK = fileURLToPath(import.meta.resolve('socket.io-client/dist/socket.io.js'))

for (const [client, script] of [['socket.io-client', STOCK], ['the page itself', undefined]]) {
  test(`R43, R75–R77, R81: two windows chat over ${client}`, async () => {
    const [ann, cay] = [
      await look('/chat/?as=ann', { script }), await look('/chat/?as=cay', { script }),
    ]
    const by = script ? 'Connected by socket.io-client' : /^Connected$/
    for (const { page } of [ann, cay]) await status(page, 'status', by)
    const person = ({ page }, name) => page.locator('#found').getByRole('button', { name })
    await person(ann, 'Cay Ito').and(ann.page.locator('[data-online=true]')).waitFor()

    const name = `pier ${client}`
    await ann.page.getByLabel('New channel').fill(name)
    await ann.page.getByRole('button', { name: 'Make' }).click()
    await ann.page.getByRole('heading', { name }).waitFor()
    await cay.page.reload()
    await cay.page.locator('#others').getByRole('button', { name }).click()
    await cay.page.getByRole('heading', { name }).waitFor()

    await cay.page.getByRole('textbox', { name: 'Message' }).pressSequentially('Ahoy <b>Ann</b>')
    await ann.page.getByText('Cay Ito is typing…').waitFor()
    await cay.page.getByRole('button', { name: 'Send' }).click()
    const message = ({ page }) => page.getByRole('log').getByRole('listitem')
    await message(ann).filter({ hasText: 'Ahoy <b>Ann</b>' }).waitFor()
    assert.equal(await ann.page.locator('b').count(), 0)
    await message(cay).filter({ hasText: '✓✓ read' }).waitFor()
    await ann.page.getByRole('status').filter({ hasText: 'typing' }).waitFor({ state: 'detached' })
    await ann.page.getByRole('button', { name: /^Like/ }).click()
    await message(cay).filter({ hasText: '♥ 1' }).waitFor()

    await cay.leave()
    await person(ann, 'Cay Ito').and(ann.page.locator('[data-online=false]')).waitFor()
    await ann.leave()
  })
}

test('R65, R68: a page comes back by itself after a restart, and says so meanwhile', async () => {
  const { page } = await look('/checkins/?as=gym-staff')
  await status(page, 'status', 'Live')
  await page.evaluate(() => {
    const shown = document.getElementById('status')
    globalThis.seen = []
    const note = () => globalThis.seen.push(shown.dataset.at)
    new MutationObserver(note).observe(shown, { attributes: true })
  })
  await gate.restart('SIGTERM')
  const seen = () => page.evaluate(() => globalThis.seen)
  await until(async () => (await seen()).at(-1) === 'ready', 'the page to be live again')
  assert.ok((await seen()).includes('waiting'), `${await seen()}`)
  // Its console told of the attempts that failed, as browsers do.
  await page.context().close()
})
