// One answer at a time, the next in sight. The server holds all marks; this page holds what is not saved yet.
// A mark is sent while the next answer is on the desk already; one that is refused comes back with what was typed.
const at = (id) => document.getElementById(id);
const desk = at("desk"), most = Number(desk.dataset.points);
const boxes = [...document.querySelectorAll(".items input")];
const browser = crypto.getRandomValues(new Uint32Array(2)).join("-");
const texts = new Map(); // promises of what answers say, by the digest of their words
const drafts = new Map(); // what was typed and is not saved, by the first student's answer
const sent = new Set(); // answers whose mark is on its way
const undone = []; // what undo puts back, the last one last
let state = { groups: [], comments: [], marked: 0, of: 0 };
let current = null; // the group on the desk
let back = null; // an answer whose mark was refused, to be shown next
let read = null; // the words that are shown
let sight = ""; // the state of the answer that the marker has seen; what is saved replaces that and no other
let none = false, dirty = false, sure = false;

history.replaceState(null, "", location.pathname); // the token is in a cookie by now

async function ask(address, body) {
  const headers = { "Content-Type": "application/json", "X-XSRFToken": desk.dataset.xsrf };
  const options = body ? { method: "POST", headers, body: JSON.stringify({ browser, ...body }) } : {};
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw Error("The server does not answer: is `course mark` still running? Nothing on this page is lost.");
  }
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let told = text;
  try { told = JSON.parse(text).told; } catch { /* a sentence as it is */ }
  throw Error(told);
}

function tell(text, wrong = false) {
  at("told").textContent = text;
  at("told").classList.toggle("wrong", wrong);
}

let chain = Promise.resolve();
function attempt(work) { // one request after the other, in the order of the keys
  chain = chain.then(work).catch((error) => tell(error.message, true));
}

// The groups that j and k walk through: those that wait and the one on the desk, or all.
const everything = () => at("all").getAttribute("aria-pressed") === "true";
const listed = () => state.groups.filter((group) => everything() || group.waits || group === current);
const holding = (id) => state.groups.find((group) => group.members.includes(id));

function take(fresh) {
  const shown = current;
  state = fresh;
  for (const group of state.groups) group.waits &&= !group.members.some((id) => sent.has(id));
  current = shown && (holding(shown.members[0]) ?? null);
  if (current && current.text !== shown.text) go(current); // it was graded anew: its words are others
  else if (current && current.seen !== shown.seen && !dirty) fill();
}

// The next group without a mark after a place in the order; one that nobody has open, if there is one.
function waiting(after) {
  const turned = [...state.groups.slice(after + 1), ...state.groups.slice(0, after + 1)].filter((group) => group.waits);
  return turned.find((group) => !group.open) ?? turned[0] ?? null;
}

const points = () => {
  const typed = at("points").value.trim().replace(",", ".");
  if (typed) return Number(typed);
  const sum = boxes.filter((box) => box.checked).reduce((total, box) => total + Number(box.dataset.points), 0);
  return sum || none ? sum : null;
};
const words = (value) => `${Number(value.toFixed(4))} ${value === 1 ? "point" : "points"}`;

function fill() { // a draft or what is saved of the group on the desk, into the fields
  const { own, score } = current, draft = drafts.get(current.members[0]);
  const ticked = draft?.ticked ?? current.ticked;
  sight = draft?.sight ?? current.seen;
  boxes.forEach((box, place) => { box.checked = ticked.includes(place); });
  none = draft?.none ?? score === 0;
  at("points").value = draft?.typed ?? "";
  if (!draft && score !== null && points() !== score) at("points").value = score;
  at("own").value = draft?.own ?? own;
  dirty = Boolean(draft);
  draw();
}

const draft = () => ({
  ticked: boxes.flatMap((box, place) => (box.checked ? [place] : [])),
  typed: at("points").value.trim(),
  own: at("own").value,
  none,
  sight,
});

function draw() {
  const { marked, of } = state, old = state.groups.filter((group) => group.waits && group.score !== null);
  at("progress").max = of || 1;
  at("progress").value = marked;
  at("count").textContent = `${marked} of ${of} marked`;
  at("confirm").hidden = !old.length;
  at("undo").disabled = !undone.length;
  at("empty").hidden = Boolean(current);
  at("sheet").hidden = !current;
  at("marks").classList.toggle("idle", !current);
  if (!current) {
    at("empty").textContent = !of ? "Nobody has written an answer."
      : `${of === 1 ? "The one answer is" : `All ${of} answers are`} marked. The key a shows ${of === 1 ? "it" : "them"}.`;
    at("next").hidden = true;
    at("standing").textContent = "";
  } else {
    const list = listed(), size = current.members.length;
    at("place").textContent = `Answer ${list.indexOf(current) + 1} of ${list.length}`;
    if (size > 1) at("place").textContent += `, written by ${size} students`;
    const { score, waits } = current;
    at("standing").textContent = score === null ? "Not marked yet"
      : waits ? `Old mark: ${words(score)}. The answer or its points have changed: Enter confirms it` : `Marked: ${words(score)}`;
    if (current.open) at("standing").textContent += ". Somebody else has this answer open";
  }
  const made = points();
  at("sum").textContent = made === null ? "no points yet" : `= ${Number.isFinite(made) ? words(made) : "?"} of ${most}`;
  at("saved").replaceChildren(...state.comments.map((text, place) => {
    const button = document.createElement("button"), key = document.createElement("kbd"), item = document.createElement("li");
    key.textContent = `Shift ${place + 1}`;
    button.append(key, ` ${text.length > 90 ? `${text.slice(0, 90)} …` : text}`);
    button.addEventListener("click", () => insert(place));
    item.append(button);
    return item;
  }));
}

function said({ text, members }) { // each is asked for once, also while it is on its way; one that failed again
  if (!texts.has(text)) {
    const asked = ask(`answer?id=${encodeURIComponent(members[0])}`);
    texts.set(text, asked);
    asked.catch(() => texts.delete(text));
  }
  return texts.get(text);
}

function write(place, text) {
  if (text.html) place.innerHTML = text.html; // made harmless by the server; and the page's policy runs nothing
  else place.textContent = text.problem || "(empty)";
  place.querySelectorAll("a").forEach((link) => { link.target = "_blank"; });
}

function people() {
  const named = at("names").getAttribute("aria-pressed") === "true", { students, members } = current;
  at("group").hidden = members.length < 2;
  at("many").textContent = `${members.length} students gave this answer`;
  at("who").hidden = !named;
  at("who").textContent = students.map(([student, name]) => (name === student ? name : `${name} (${student})`)).join(", ");
  at("members").replaceChildren(...members.map((id, place) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.textContent = `mark ${named ? students[place][1] : `student ${place + 1}`} apart`;
    button.addEventListener("click", () => attempt(() => apart(id)));
    item.append(button);
    return item;
  }));
}

async function show(group) {
  if (current && dirty) drafts.set(current.members[0], draft());
  if (group && group.members.includes(back)) back = null;
  current = group;
  dirty = sure = false;
  at("group").open = false;
  if (!group) return draw();
  fill();
  people();
  if (read !== group.text) {
    read = null;
    at("shown").setAttribute("aria-busy", "true");
    at("shown").textContent = at("typed").textContent = "…";
  }
  const text = await said(group);
  if (current?.text !== group.text) return;
  if (read !== group.text) write(at("shown"), text);
  at("typed").textContent = text.raw;
  read = group.text;
  at("shown").setAttribute("aria-busy", "false");
  const after = waiting(state.groups.indexOf(holding(group.members[0])));
  at("next").hidden = !after || after.text === group.text;
  if (at("next").hidden) return;
  const ahead = await said(after);
  if (current?.text === group.text) write(at("ahead"), ahead);
}

const go = (group) => show(group).catch((error) => tell(error.message, true));

async function apart(id) {
  take(await ask("apart", { member: id }));
  await show(holding(id));
}

// Marks as the server takes them, each for a group. before: what undo puts back, as long as nobody has marked since;
// null for an undo, which is spent once the server has answered: where the request fails it can be tried again.
async function send(marks, before) {
  const ids = marks.flatMap((mark) => mark.members);
  let answer;
  try {
    answer = await ask("save", { marks });
  } finally {
    ids.forEach((id) => sent.delete(id));
  }
  if (!before) undone.pop();
  take(answer.state);
  draw();
  if (answer.told) throw Error(answer.told);
  if (before) undone.push(before.map((mark) => ({ ...mark, seen: holding(mark.members[0]).seen })));
  draw();
}

function save() {
  if (!current) return;
  const made = points(), typed = draft(), group = current, { members, score, comment, waits } = group, seen = sight;
  if (read !== group.text) return tell("The answer is still on its way.", true);
  if (made === null) return tell("Tick an item, type points, or press 0 for none.", true);
  if (!Number.isFinite(made)) return tell(`Points are a number, not "${typed.typed}".`, true);
  const marks = [{ members, seen, ticked: typed.ticked, points: typed.typed ? made : null, own: typed.own }];
  members.forEach((id) => sent.add(id));
  drafts.delete(members[0]);
  Object.assign(group, { waits: false, score: made, ticked: typed.ticked, own: typed.own });
  dirty = false;
  document.activeElement.blur();
  tell("");
  const place = state.groups.indexOf(group), following = everything() ? state.groups[place + 1] ?? group : null;
  go((back && holding(back)) ?? waiting(place) ?? following);
  attempt(async () => {
    try {
      await send(marks, [{ members, put_back: { score, comment, waits } }]);
      tell(`Saved: ${words(made)}${members.length > 1 ? ` for ${members.length} students` : ""}.`);
    } catch (error) {
      const now = holding(members[0]);
      if (now?.seen === seen) Object.assign(now, { waits, score });
      drafts.set(members[0], { ...typed, sight: null }); // seen again, it may replace what others have saved
      back = members[0];
      const typing = document.activeElement.matches("textarea, input[type=text]");
      if (!dirty && !typing) await show(holding(back) ?? group);
      throw back ? Error(`${error.message} It comes back after this answer.`) : error;
    }
  });
}

async function undo() {
  const before = undone.at(-1);
  if (!before) throw Error("Nothing to undo.");
  await send(before, null);
  tell("Undone: as it was before.");
  await show(holding(before[0].members[0]));
}

async function confirmAll() {
  const old = state.groups.filter((group) => group.waits && group.score !== null);
  const many = old.reduce((total, group) => total + group.members.length, 0);
  if (!old.length) throw Error("No old mark waits to be confirmed.");
  if (!sure) {
    sure = true;
    tell(`${many} old ${many === 1 ? "mark waits" : "marks wait"} to be confirmed: b once more confirms all as they are.`);
    return;
  }
  const put = ({ members, seen, score, comment }, waits) => ({ members, seen, put_back: { score, comment, waits } });
  await send(old.map((group) => put(group, false)), old.map((group) => put(group, true)));
  tell(`Confirmed: ${many}.`);
  await show(waiting(-1));
}

function insert(place) {
  const text = state.comments[place], field = at("own");
  if (text === undefined || !current || field.value.includes(text)) return;
  field.value = [field.value.trim(), text].filter(Boolean).join("\n");
  dirty = true;
}

function step(by) {
  const list = listed(), to = list[list.indexOf(current) + by] ?? (current ? null : list[0]);
  if (!to) return tell(by > 0 ? "This is the last answer." : "This is the first answer.");
  tell("");
  go(to);
}

function tick(place) {
  if (!current || !boxes[place]) return;
  boxes[place].checked = !boxes[place].checked;
  changed();
}

function changed() { // by the items; they have their say again
  at("points").value = "";
  none = false;
  dirty = true;
  draw();
}

function give(all) {
  if (!current) return;
  boxes.forEach((box) => { box.checked = all; });
  changed();
  none = !all;
  if (all && !boxes.length) at("points").value = most;
  draw();
}

const press = (id) => () => at(id).setAttribute("aria-pressed", at(id).getAttribute("aria-pressed") !== "true");
const fold = (id) => () => { at(id).open = !at(id).open; };
const actions = {
  f: () => give(true), 0: () => give(false), p: () => at("points").select(), c: () => at("own").focus(),
  j: () => step(1), k: () => step(-1), ArrowRight: () => step(1), ArrowLeft: () => step(-1),
  Enter: () => save(), u: () => attempt(undo), b: () => attempt(confirmAll),
  a: () => { press("all")(); if (!current && everything()) step(1); draw(); },
  n: () => { press("names")(); if (current) people(); },
  r: () => { press("raw")(); at("typed").hidden = !at("typed").hidden; at("shown").hidden = !at("shown").hidden; },
  g: fold("group"), m: fold("model"), q: fold("question"), "?": () => at("keys").showModal(),
};
const buttons = { full: "f", none: "0", previous: "k", following: "j", all: "a", names: "n", undo: "u", confirm: "b", help: "?",
  raw: "r", save: "Enter" };
for (const [id, key] of Object.entries(buttons)) {
  at(id).addEventListener("click", (event) => {
    if (event.detail) at(id).blur(); // clicked by mouse: Enter is to save, not to click again
    actions[key]();
  });
}

document.addEventListener("keydown", (event) => {
  const { target, key, code } = event, field = target.matches("textarea, input[type=text]");
  if (at("keys").open || event.altKey || event.metaKey || (event.ctrlKey && key !== "Enter")) return;
  if (field && key === "Escape") return target.blur();
  if (field && !(key === "Enter" && (event.ctrlKey || target.id === "points"))) return;
  if (target.matches("button, summary, a") && (key === "Enter" || key === " ")) return;
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1]; // by their place: some keyboards have digits in capitals
  const name = digit === "0" ? "0" : key.length === 1 ? key.toLowerCase() : key;
  if (name !== "b") sure = false;
  const action = digit > 0 ? () => (event.shiftKey ? insert(digit - 1) : tick(digit - 1)) : actions[name];
  if (!action) return;
  event.preventDefault();
  action();
});
boxes.forEach((box) => box.addEventListener("change", changed));
at("points").addEventListener("input", () => { dirty = true; draw(); });
at("own").addEventListener("input", () => { dirty = true; });

async function refresh() {
  const open = current ? `&open=${encodeURIComponent(current.members[0])}` : "";
  take(await ask(`state?browser=${browser}${open}`));
  if (current) draw();
}
addEventListener("beforeunload", (event) => {
  if (sent.size || dirty || drafts.size) event.preventDefault();
});
addEventListener("focus", () => attempt(refresh));
setInterval(() => { if (!document.hidden) attempt(refresh); }, 10_000);
attempt(async () => {
  await refresh();
  await show(waiting(-1));
});
