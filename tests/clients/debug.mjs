// What npm's debug package says: reads [[setting, namespace], …] from stdin, prints [true|false, …].
import debug from 'debug'

const cases = JSON.parse(await new Response(process.stdin).text())
console.log(JSON.stringify(cases.map(([setting, namespace]) => { debug.enable(setting); return debug.enabled(namespace) })))
