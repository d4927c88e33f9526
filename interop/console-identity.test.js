// An administrator signs in to the console with an account at Salesforce, in Chromium: without a script, and through the policy of the console's pages.

import { after, before } from 'node:test'
import { becomeAdministrator, consoleScripts, launch, logIn, look, open } from './chromium.js'
import { behaviour, demo } from './gateway.js'

let browser, gateway
before(async () => { browser = await launch() })
after(async () => {
  await browser?.close()
  await gateway?.stop()
})

const looked = { light: [1280], dark: [320] }

/** Logs in at Salesforce, which was allowed before what is asked. */
async function logInAgain(page) {
  await page.getByLabel('Username').fill(gateway.users[0].username)
  await page.getByLabel('Password').fill(gateway.users[0].password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

behaviour('an administrator adds an account elsewhere, signs in with it, and shows once more who they are', async () => {
  gateway = await demo()
  const at = (path) => new URL(path, gateway.issuer).href
  const owner = await open(browser, { scripts: consoleScripts })
  await becomeAdministrator(owner.page, gateway.admin_url)
  await owner.page.goto(at('/admin/connections/salesforce/edit'))
  await owner.page.getByLabel('Administrators sign in with it').check()
  await owner.page.getByRole('button', { name: 'Save draft' }).click()
  await owner.page.getByRole('button', { name: 'Publish' }).click()
  await owner.page.goto(at('/admin/me'))
  await owner.page.getByRole('button', { name: 'Add an account at Salesforce' }).click()
  await logIn(owner.page, gateway)
  await owner.page.getByRole('rowheader', { name: 'ada@example.com at salesforce' }).waitFor()
  await look(owner.page, 'me', consoleScripts, looked)
  await owner.page.goto(at('/admin/administrators'))
  await owner.page.getByRole('button', { name: 'Make a link' }).click()
  const invitation = await owner.page.locator('.copy code').first().textContent()
  await owner.close()

  const invited = await open(browser, { scripts: consoleScripts })
  await invited.page.goto(invitation)
  await look(invited.page, 'welcome', consoleScripts, looked)
  await invited.close()

  const { page, close } = await open(browser, { javaScriptEnabled: false, scripts: consoleScripts })
  await page.goto(at('/admin/keys/rotate'))
  await page.getByRole('button', { name: 'Sign in with Salesforce' }).click()
  await logInAgain(page)
  await page.getByRole('heading', { name: 'Is it you?' }).waitFor()
  await page.getByRole('button', { name: 'Log in at Salesforce' }).click()
  await logInAgain(page)
  await page.getByRole('heading', { name: 'Make the next signing keys' }).waitFor()
  await close()

  const stranger = await open(browser, { scripts: consoleScripts })
  await stranger.page.goto(at('/login/callback?state=console-OF-NOBODY&code=x'))
  await stranger.page.getByText('begun in another browser').waitFor()
  await look(stranger.page, 'sign-in', consoleScripts, looked)
  await stranger.close()
})
