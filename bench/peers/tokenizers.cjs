// Tokenizers of the Node world. Arguments: gpt-tokenizer|hf-encode|hf-train, the text (a JSON array of chunks to encode, or a file to train on),
// and for hf-encode the tokenizer.json. A line "run" is answered with one line of JSON: the seconds of the piece, and what it counted.
const fs = require('fs');
const path = require('path');
const modules = require('module').createRequire(path.join(process.env.CRATON_NODE_MODULES, 'x.cjs'));
const [work, text, file] = process.argv.slice(2);
const version = name => JSON.parse(fs.readFileSync(path.join(process.env.CRATON_NODE_MODULES, name, 'package.json'))).version;

function gptTokenizer() {
  const { encode } = modules('gpt-tokenizer/encoding/cl100k_base');
  const chunks = JSON.parse(fs.readFileSync(text, 'utf8'));
  return async () => chunks.reduce((count, chunk) => count + encode(chunk).length, 0);
}

function huggingFaceEncode() {
  const tokenizer = modules('tokenizers').Tokenizer.fromFile(file);
  const chunks = JSON.parse(fs.readFileSync(text, 'utf8'));
  return async () => (await tokenizer.encodeBatch(chunks, { addSpecialTokens: false })).reduce((count, e) => count + e.getLength(), 0);
}

// The binding's trainer has no settings: it makes 30,000 tokens.
function huggingFaceTrain() {
  const { Tokenizer, BPE, byteLevelPreTokenizer } = modules('tokenizers');
  return async () => {
    const tokenizer = new Tokenizer(BPE.empty());
    tokenizer.setPreTokenizer(byteLevelPreTokenizer(false));
    tokenizer.train([text]);
    return tokenizer.getVocabSize();
  };
}

const piece = { 'gpt-tokenizer': gptTokenizer, 'hf-encode': huggingFaceEncode, 'hf-train': huggingFaceTrain }[work]();
console.log(JSON.stringify({ version: version(work === 'gpt-tokenizer' ? 'gpt-tokenizer' : 'tokenizers') }));
(async () => {
  for await (const _ of require('readline').createInterface({ input: process.stdin })) {
    const start = process.hrtime.bigint();
    const count = await piece();
    console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - start) / 1e9, count }));
  }
})();
