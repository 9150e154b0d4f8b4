// Says what the libraries of SVTA make of CMCD and CMSD.
// usage: node svta.mjs NODE_MODULES cmcd COUNT   made-up requests: query, headers (\x1f between), what is decoded
//        node svta.mjs NODE_MODULES cmsd < LINES   each line (`static`, `dynamic` or `list`, a tab, a value) as JSON
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const say = (line) => process.stdout.write(`${line}\n`);

const [modules, what, count] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const load = (name) => import(require.resolve(name));
const { SfItem, decodeSfList } = await load("@svta/cml-structured-field-values");

let state = 1;
function below(most) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * most);
}
const pick = (list) => list[below(list.length)];

const TYPES = ["m", "a", "v", "av", "i", "c", "tt", "k", "o"];
const LISTS = ["ab", "bl", "br", "bsa", "bsd", "bsda", "lab", "lb", "mtp", "pb", "tab", "tb", "tbl", "tpb"];
const NUMBERS = ["d", "dl", "ltc", "msd", "rtp", "sn", "ts"];
const TEXTS = ["cid", "cs", "cdn", "sid"];
const FLAGS = ["bg", "bs", "nr", "su"];

function text() {
  let made = "";
  for (let left = 1 + below(12); left > 0; left -= 1) made += String.fromCharCode(0x20 + below(0x5F));
  return made;
}

function request(version) {
  const said = { v: version, ot: pick(TYPES), sf: pick(["h", "d", "s", "o"]), st: pick(["l", "v"]) };
  const some = (keys) => keys.filter(() => below(3) === 0);
  for (const key of some(NUMBERS)) said[key] = below(2 ** 31) * 100;
  for (const key of some(TEXTS)) said[key] = text();
  for (const key of some(FLAGS)) said[key] = true;
  for (const key of some(LISTS)) {
    const items = Array.from({ length: 1 + below(2) }, () => new SfItem(below(1e6) * 100, { [pick(TYPES)]: true }));
    said[key] = version === 1 ? below(1e6) * 100 : items;
  }
  if (below(2)) said.pr = below(5_000) / 1_000;
  if (version === 2 && below(2)) said.nor = ["a.m4s", new SfItem("../b/c.m4s", { r: "0-99" })];
  if (version === 1 && below(2)) [said.nor, said.nrr] = ["../b/c d.m4s", "0-99"];
  if (version === 2 && below(2)) said.sta = pick(["s", "p", "k", "r", "a", "w", "e", "f", "q", "d"]);
  return said;
}

function item(value) {
  const { value: plain, params } = value instanceof SfItem ? value : { value, params: {} };
  const object = Object.keys(params ?? {}).find((name) => TYPES.includes(name));
  return `${plain?.description ?? plain}${object ? `;${object}` : ""}${params?.r ? `;r=${params.r}` : ""}`;
}

/** All fields in one line. */
function plain(decoded) {
  const values = Object.keys(decoded).sort().map((key) => `${key}=${[decoded[key]].flat().map(item).join("|")}`);
  return values.join("\x1f");
}

if (what === "cmcd") {
  const two = await load("@svta/cml-cmcd");
  const one = await load("@svta/common-media-library");
  for (let index = 0; index < Number(count); index += 1) {
    const version = 1 + (index % 2);
    const library = index % 4 < 2 ? two : one;
    const said = version === 1 || library === two ? request(version) : request(1);
    const encoded = library.encodeCmcd(said, { version });
    const query = `_HLS_msn=4&CMCD=${encodeURIComponent(encoded)}&x=1`;
    const headers = Object.values(library.toCmcdHeaders(said, { version }));
    say([query, headers.join("\x1f"), plain(two.decodeCmcd(encoded))].join("\t"));
  }
} else {
  const { decodeCmsdDynamic, decodeCmsdStatic } = await load("@svta/common-media-library");
  for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const [kind, value] = line.split("\t");
    const decode = { dynamic: decodeCmsdDynamic, list: decodeSfList, static: decodeCmsdStatic }[kind];
    const sorted = (_, it) => {
      if (typeof it === "symbol") return it.description;
      if (it?.constructor !== Object) return it;
      return Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)));
    };
    say(JSON.stringify(decode(value), sorted));
  }
}
