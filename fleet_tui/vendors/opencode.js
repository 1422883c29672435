// The fleet's side of opencode: asks the guard before an act, reports what the session does, keeps what it used.
// Above this text stands `const FLEET = {client, records, prompt, sandboxed, resumed}`.
//
// Every act is asked about twice: here, before it happens, and by opencode itself, whose settings ask about everything.
// In a sandbox opencode's question is answered with the yes that was given here; without this file nobody answers it,
// so that nothing happens unasked.
import { spawn } from "node:child_process"
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"

const subagents = new Set() // sessions that another one began
const calls = new Map() // a call that the guard allowed: what it is
const models = new Map() // a reply: by which model
const broken = new Map() // a session: why its turn does not end well
const open = new Map() // a request whose answer came and whose tools run: which session's, by which model
const limited = new Map() // a session whose turn we ended at a usage limit: when that is over, 0 where nobody says it
const PATIENCE_MS = 60_000 // to wait this long before it asks again is opencode's own business
const TRIES = 5 // and so are so many of them, about half a minute
const FULL = /\b429\b|rate.?limit|too many requests|quota|usage.?limit|exhausted/i
let current = "" // the session that was reported last
let resumed = FLEET.resumed // a session that is to go on, and has not been told so
let reports = Promise.resolve()

function fleet(words, data) {
  return new Promise((done) => {
    let out = ""
    let err = ""
    const child = spawn(FLEET.client, words, { stdio: ["pipe", "pipe", "pipe"] })
    child.on("error", (error) => done({ code: 2, out: "", err: `fleet: the guard failed: ${error.message}` }))
    child.on("close", (code) => done({ code: code === null ? 2 : code, out, err: err.trim() }))
    child.stdout.on("data", (text) => (out += text))
    child.stderr.on("data", (text) => (err += text))
    child.stdin.on("error", () => {}) // it ended before it read everything
    child.stdin.end(JSON.stringify(data))
  })
}

// One after the other: a turn's end must not be told before what happened in it.
function report(hook, data) {
  reports = reports.then(() => fleet(["hook", hook], data))
  return reports
}

function started(session) {
  if (session === current) return
  current = session
  report("session.started", { session_id: session, reason: session === FLEET.resumed ? "resume" : "startup" })
}

function keep(...lines) {
  mkdirSync(FLEET.records, { recursive: true, mode: 0o700 })
  appendFileSync(`${FLEET.records}/${current}.jsonl`, lines.map((line) => JSON.stringify(line) + "\n").join(""))
}

// What a request used, opencode knows when its tools have ended, and not at all when they are broken off.
function begun(part) {
  const model = models.get(part.messageID) || ""
  open.set(part.messageID, { id: part.id, model, untold: true, session: part.sessionID })
  remember()
}

// For who reads it when this program is killed.
function remember() {
  if (!current) return
  const lines = [...open.values()].map(({ session, ...line }) => JSON.stringify(line) + "\n").join("")
  mkdirSync(FLEET.records, { recursive: true, mode: 0o700 })
  writeFileSync(`${FLEET.records}/${current}.open`, lines)
}

function count(part) {
  const tokens = part.tokens || {}
  const cache = tokens.cache || {}
  const used = { id: part.id, model: models.get(part.messageID) || "", cost: part.cost, input: tokens.input }
  const given = { output: tokens.output, reasoning: tokens.reasoning, read: cache.read, write: cache.write }
  keep({ ...used, ...given })
  open.delete(part.messageID)
  remember()
}

function brokenOff(session) {
  for (const [message, { session: of, ...line }] of open) {
    if (of !== session) continue
    keep(line)
    open.delete(message)
  }
  remember()
}

function ended(session) {
  brokenOff(session)
  if (subagents.has(session)) return
  const why = broken.get(session)
  const reset = limited.get(session)
  broken.delete(session)
  limited.delete(session)
  calls.clear()
  if (reset !== undefined) report("session.error", { session_id: session, error: "rate_limit", reset_at: reset })
  else if (why === undefined) report("session.idle", { session_id: session })
  else if (why === "MessageAbortedError") report("session.aborted", { session_id: session })
  else report("session.error", { session_id: session, error: why })
}

function why(error) {
  const data = error.data || {}
  return error.name === "APIError" && data.statusCode === 429 ? "rate_limit" : `${error.name}: ${data.message || ""}`
}

export const Fleet = async ({ client, directory }) => {
  const post = (url, body) => client._client.post({ url, body, headers: { "Content-Type": "application/json" } })
  const reply = (id, body) => post(`/permission/${id}/reply`, body)
  if (resumed) rmSync(`${FLEET.records}/${resumed}.open`, { force: true }) // the end of who left it has been told

  // It would ask again and again without a word. Its account is one that others use: the turn ends, and is gone on with.
  function retries(session, { attempt, message, next }) {
    const top = subagents.has(session) ? current : session
    const stated = next - Date.now() > PATIENCE_MS
    if (limited.has(top) || !(stated || (attempt >= TRIES && FULL.test(message)))) return
    limited.set(top, stated ? Math.ceil(next / 1000) : 0)
    post(`/session/${top}/abort`, {})
  }

  // In a sandbox the guard's yes is the answer; outside of one a person gives it, here or in the pane.
  async function permission({ id, tool }) {
    const call = calls.get(tool && tool.callID)
    if (call === undefined) return
    if (FLEET.sandboxed) return reply(id, { reply: "once" })
    const { code, out, err } = await fleet(["guard"], { ...call, hook_event_name: "permission.asked" })
    if (code !== 0) return reply(id, { reply: "reject", message: err })
    if (out.trim()) return reply(id, JSON.parse(out)) // without a word it was answered in the pane
  }

  // With a session to go on with, opencode passes over the prompt of its command line.
  function goOn() {
    const text = readFileSync(FLEET.prompt, "utf8")
    post(`/session/${resumed}/prompt_async`, { parts: [{ type: "text", text }] })
    resumed = ""
  }
  if (resumed) setTimeout(goOn, 0) // once everything that takes the prompt is there

  const heard = {
    "session.created": ({ info }) => info.parentID && subagents.add(info.id),
    "session.error": ({ sessionID, error }) => error && broken.set(sessionID, error.name === "MessageAbortedError" ? error.name : why(error)),
    "session.idle": ({ sessionID }) => ended(sessionID),
    "session.status": ({ sessionID, status }) => status.type === "retry" && retries(sessionID, status),
    "message.updated": ({ info }) => info.role === "assistant" && models.set(info.id, `${info.providerID}/${info.modelID}`),
    "message.part.updated": ({ part }) => {
      if (part.type === "step-start") begun(part)
      if (part.type === "step-finish") count(part)
    },
    "permission.asked": permission,
  }

  return {
    event: async ({ event }) => heard[event.type]?.(event.properties),
    "chat.message": async ({ sessionID }, { parts }) => {
      if (subagents.has(sessionID)) return
      started(sessionID)
      broken.delete(sessionID)
      const said = (parts || []).filter((part) => part.type === "text" && !part.synthetic)
      keep({ prompt: said.map((part) => part.text).join("\n"), at: Date.now() })
      const { code, err } = await report("chat.message", { session_id: sessionID })
      if (code === 2) throw new Error(err)
    },
    "tool.execute.before": async ({ tool, callID }, { args }) => {
      const call = { tool_name: tool, tool_input: args, cwd: resolve(directory, args?.workdir || ".") }
      const { code, err } = await fleet(["guard"], { ...call, hook_event_name: "tool.execute.before" })
      if (code !== 0) throw new Error(err || "fleet: refused")
      calls.set(callID, call)
    },
    "tool.execute.after": async ({ callID }) => {
      report("tool.execute.after", calls.get(callID) || {})
    },
  }
}
