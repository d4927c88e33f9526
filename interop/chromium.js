// Chromium as a person has it, who sees, types, or has only a keyboard, and who is told of what a page does wrong.

import { AxeBuilder } from '@axe-core/playwright'
import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { witnesses } from './gateway.js'
import { oneTimePassword } from './otp.js'

const screenshots = new URL(`screenshots/${basename(process.argv[1], '.test.js')}/`, import.meta.url)
let taken = 0
rmSync(screenshots, { recursive: true, force: true })
mkdirSync(screenshots, { recursive: true })

// The scripts of the two pages that have one, and of the console.
const passingOn = /\/static\/(formpost|webmessage)\.\w+\.js$/
export const consoleScripts = /\/static\/console(-[a-z]+)?\.\w+\.js$/

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

/** Serves a client's pages, all alike, with scripts by their paths. What it got is kept in received. */
export async function clientPages(scripts = {}) {
  const received = []
  const page = `<!doctype html><title>The client</title><body>${Object.keys(scripts).map((path) => `<script src="${path}"></script>`).join('')}`
  const server = createServer(async (request, response) => {
    const { url, method, headers } = request
    let body = ''
    for await (const part of request.setEncoding('utf8')) body += part
    received.push({ url, method, headers, body })
    response.setHeader('content-type', url in scripts ? 'text/javascript' : 'text/html')
    response.end(scripts[url]?.() ?? page)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { origin: `http://localhost:${server.address().port}`, received, close }
}

/** Opens a page in a browser without cookies. close() finds fault with what its pages did. Scripts may come from the client alone, or be those of the console. */
export async function open(browser, { client, scripts = passingOn, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const faults = []
  page.on('console', (m) => {
    if (/Content Security Policy|violates/i.test(m.text())) faults.push(m.text())
  })
  page.on('pageerror', (err) => faults.push(String(err)))
  page.on('request', (r) => {
    if (r.resourceType() === 'script' && !scripts.test(r.url()) && new URL(r.url()).origin !== client) faults.push(`a script is loaded: ${r.url()}`)
    if (!/^(data:|(blob:)?https?:\/\/(localhost|[a-z]+\.localhost)[:/])/.test(r.url())) faults.push(`something is loaded from elsewhere: ${r.url()}`)
  })
  const seen = async () => `--- the browser shows ${page.url()}\n${await page.locator('body').innerText({ timeout: 1000 })}`
  witnesses.add(seen)
  return {
    page,
    context,
    async close() {
      witnesses.delete(seen)
      await context.close()
      assert.deepEqual(faults, [])
    },
  }
}

const everyWay = { light: [1280, 390], dark: [1280, 390] }
/** Wide in light and narrow in dark: for pages of which there are many. */
export const bothWays = { light: [1280], dark: [320] }

/** Takes screenshots of a page, narrow and wide, in both colour schemes, and finds fault with it as axe does. */
export async function look(page, name, scripts = passingOn, ways = everyWay) {
  const number = String(++taken).padStart(2, '0')
  const found = await page.evaluate(() => Array.from(document.scripts, (s) => s.src || s.text))
  assert.deepEqual(found.filter((s) => !scripts.test(s)), [], `${name} has scripts`)
  for (const [colorScheme, widths] of Object.entries(ways)) {
    await page.emulateMedia({ colorScheme })
    for (const width of widths) {
      await page.setViewportSize({ width, height: 800 })
      await page.evaluate(() => document.getAnimations().forEach((a) => a.finish()))
      // Without caret and animations as they are, Playwright would add a style that the page's policy refuses.
      await page.screenshot({
        path: fileURLToPath(new URL(`${number}-${name}-${colorScheme}-${width}.png`, screenshots)),
        fullPage: true, caret: 'initial', animations: 'allow',
      })
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} scrolls sideways at ${width} pixels`)
    }
    const { violations } = await new AxeBuilder({ page }).options({ preload: false }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']).analyze()
    assert.deepEqual(
      violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target}: ${n.failureSummary}`)), [], `axe, of ${name} in ${colorScheme}`)
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize({ width: 1280, height: 800 })
}

/** Logs the first user in at Salesforce, where the page is, and allows what it asks. */
export async function logIn(page, { users: [{ username, password }] }) {
  await page.getByLabel('Username').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
}

/** Takes an invitation to the console up, with a password and one-time passwords. */
export async function becomeAdministrator(page, invitation) {
  const password = 'correct horse battery staple'
  await page.goto(invitation)
  await page.locator('#name').fill('ada@example.com')
  await page.locator('#password').fill(password)
  await page.getByLabel('The password again').fill(password)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByLabel('One-time password').fill(oneTimePassword(await page.locator('.shown code').textContent()))
  await page.getByRole('button', { name: 'Become an administrator' }).click()
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
}

/** Presses Tab until a link, button or field of this name has the focus, which must be seen. */
export async function tabTo(page, name) {
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => {
      const e = document.activeElement
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(e)
      return {
        name: (e.labels?.[0] ?? e).textContent.trim().replace(/\s+/g, ' '),
        seen: (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none',
      }
    })
    if (focused.name === name) {
      assert.ok(focused.seen, `the focus on ${name} is not seen`)
      return
    }
  }
  throw new Error(`Tab does not lead to ${name} at ${page.url()}`)
}
