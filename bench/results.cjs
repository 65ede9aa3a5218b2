// Prints the JSON of `craton bench --vs --json` as a section of RESULTS.md: node bench/results.cjs vs.json
const { machine, limits, ratios, limit_share, notes } = JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'));
const limit = name => `${limits.before[name].toFixed(0)} / ${limits.after[name].toFixed(0)}`;
const percent = share => share === undefined ? '' : `${(100 * share).toFixed(0)} %`;
const cost = ({ unit }, value) => unit === 'bytes' ? `${(value / 2 ** 30).toFixed(2)} GiB` : `${1e3 * value < 100 ? (1e3 * value).toPrecision(3) : (1e3 * value).toFixed(0)} ms`;
console.log(`### ${new Date().toISOString().slice(0, 10)}: ${machine.model}, \`${machine.class}\`, ${machine.threads} threads\n`);
console.log(`Limits before / after: multiply-adds ${limit('fma_1')} GFLOP/s on one thread, ${limit('fma_n')} on all; triad ${limit('triad')}, read ${limit('read')} GB/s.\n`);
console.log('| work | ratio | least – greatest | n | craton | peer | share of the limit |\n|---|---:|---|---:|---:|---|---:|');
for (const name of new Set([...Object.keys(ratios), ...Object.keys(limit_share)])) {
  const r = ratios[name];
  const cells = r
    ? [r.median.toFixed(2), `${r.min.toFixed(2)} – ${r.max.toFixed(2)}`, r.n, cost(r, r.ours), `${r.peer_name}, ${cost(r, r.peer)}`]
    : ['', '', '', '', ''];
  console.log(`| \`${name}\` | ${cells.join(' | ')} | ${percent(limit_share[name])} |`);
}
for (const note of notes) console.log(`\n${note}.`);
