// Runs a WebAssembly program that gets `write(text, length)` and starts with `_start`.
import { readFileSync } from "node:fs";

const env = {
  write: (text, length) =>
    process.stdout.write(Buffer.from(instance.exports.memory.buffer, text, length)),
};
const program = new WebAssembly.Module(readFileSync(process.argv[2]));
const instance = new WebAssembly.Instance(program, { env });
instance.exports._start();
