// Runs cases through @supabase/supabase-js: reads {url, keys, tokens, bucket, cases} from stdin, prints a list of results.
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const input = JSON.parse(await new Response(process.stdin).text())
const saved = {}

const filled = (value) => {
  if (typeof value === 'string') return value.startsWith('$') ? saved[value.slice(1)] : value
  if (Array.isArray(value)) return value.map(filled)
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, filled(v)]))
  return value
}

function client({ key, token }) {
  const headers = token ? { Authorization: `Bearer ${input.tokens[token]}` } : {}
  return createClient(input.url, input.keys[key], {
    auth: { persistSession: false, autoRefreshToken: false },
    realtime: { transport: ws },
    global: { headers }
  })
}

function refined(query, { filters = [], order, limit, single }) {
  for (const [operator, column, value] of filters) query = query[operator](column, filled(value))
  if (order) query = query.order(order, { ascending: false })
  if (limit) query = query.limit(limit)
  return single ? query.single() : query
}

async function storage(bucket, { storage: verb, path, text, upsert, paths, prefix, as }) {
  if (verb === 'upload') {
    const body = as === 'blob' ? new Blob([text]) : Buffer.from(text)
    return bucket.upload(path, body, { upsert: upsert ?? false })
  }
  if (verb === 'download') {
    const { data, error } = await bucket.download(path)
    return { data: error ? null : await data.text(), error }
  }
  if (verb === 'list') {
    const { data, error } = await bucket.list(prefix)
    return { data: error ? null : data.map((item) => item.name), error }
  }
  if (verb === 'sign') {
    const { data, error } = await bucket.createSignedUrl(path, 60)
    return { data: error ? null : await (await fetch(data.signedUrl)).text(), error }
  }
  const { data, error } = await bucket.remove(paths)
  return { data: error ? null : data.map((item) => item.name), error }
}

async function run(item) {
  const supabase = client(item)
  let answer
  if (item.rpc) answer = await refined(supabase.rpc(item.rpc, filled(item.arguments ?? {}), { get: item.get ?? false }), item)
  else if (item.table) answer = await refined(supabase.from(item.table).select(item.columns ?? '*'), item)
  else answer = await storage(supabase.storage.from(input.bucket), filled(item))
  const { data, error, status } = answer
  if (error) return { code: String(error.code ?? error.statusCode ?? ''), storage: String(error.statusCode ?? ''), status: status ?? 0 }
  for (const [name, key] of Object.entries(item.save ?? {})) saved[name] = (Array.isArray(data) ? data[0] : data)[key]
  return { data, status: status ?? 0 }
}

const results = []
for (const item of input.cases) results.push(await run(item))
console.log(JSON.stringify(results))
