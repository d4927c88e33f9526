// A person with a browser of their own and an account at the simulated Salesforce.

import http from 'node:http'
import https from 'node:https'

const unescape = (s) => s.replaceAll('&#43;', '+').replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

// Not fetch, which in Debian's Node.js 18 does not tell cookies apart.
const load = (url, options, body) => new Promise((resolve, reject) => {
  const { request } = new URL(url).protocol === 'https:' ? https : http
  request(url, options, async (response) => {
    let page = ''
    for await (const part of response.setEncoding('utf8')) page += part
    resolve({ status: response.statusCode, headers: response.headers, page })
  }).on('error', reject).end(body)
})

export class Person {
  #cookies = new Map() // all hosts are localhost, and cookies know no ports
  constructor({ username, password }) {
    Object.assign(this, { username, password })
  }

  async #open(url, form) {
    const headers = { cookie: [...this.#cookies].map((c) => c.join('=')).join('; ') }
    if (form) headers['content-type'] = 'application/x-www-form-urlencoded'
    const response = await load(url, { method: form ? 'POST' : 'GET', headers }, form?.toString())
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/)
      if (/max-age=(0|-)/i.test(line)) this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }

  /**
   * Opens a URL, logs in and allows where Salesforce or the gateway ask, and returns the URL beginning with stop that
   * it ends at, or the request that a page posts there. Of a device, stop is what the last page says.
   */
  async visit(url, stop, { userCode } = {}) {
    let form
    for (let i = 0; i < 20; i++) {
      if (String(url).startsWith(stop)) return form ? new Request(url, { method: 'POST', body: form }) : new URL(url)
      const { status, headers, page } = await this.#open(url, form)
      if (page.includes(stop) && !page.includes('<form')) return page
      if (headers.location) [url, form] = [new URL(headers.location, url), undefined]
      else [url, form] = this.#fill(url, page, status, userCode)
    }
    throw new Error(`no end to it, at ${url}`)
  }

  #fill(url, page, status, userCode) {
    const action = page.match(/<form [^>]*method="post" action="([^"]+)"/)?.[1]
    if (!action) throw new Error(`came to a page without a way on, ${url}, status ${status}:\n${page}`)
    const next = new URL(unescape(action), url)
    const form = new URLSearchParams()
    for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) form.set(unescape(name), unescape(value))
    const typed = {
      '/sim/login': { username: this.username, password: this.password },
      '/activate': { user_code: userCode },
    }[next.pathname] ?? (page.includes('name="decision"') ? { decision: 'allow' } : {})
    for (const [name, value] of Object.entries(typed)) form.set(name, value)
    return [next, form]
  }
}
