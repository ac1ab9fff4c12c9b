// The transcript on the page. Every text is set as text, never as HTML.

const SURE = 0.9;
const FAIR = 0.6;

const element = (id) => document.getElementById(id);

function made(name, text = "", className = "") {
  const node = document.createElement(name);
  node.textContent = text;
  node.className = className;
  return node;
}

export class Captions {
  constructor() {
    this.segments = []; // lists of words {text, start, end, confidence}
    this.texts = [];
  }

  // Rewrites the sentence that goes on: what will not change, and what may.
  live(stable, text) {
    element("stable").textContent = stable;
    element("tail").textContent = text.slice(stable.length).trim();
    this.update();
  }

  // Adds a sentence that has ended.
  add(text, words) {
    this.live("", "");
    if (!text) return;
    this.segments.push(words);
    this.texts.push(text);
    const line = made("p");
    for (const word of words) line.append(this.word(word), " ");
    if (!words.length) line.textContent = text;
    element("captions").append(line);
    element("captions").scrollTop = element("captions").scrollHeight;
    this.update();
  }

  // Begins with something else: a recording of this name, or the microphone.
  head(title) {
    this.clear();
    if (title) element("captions").append(made("h3", title));
  }

  word({ text, start, end, confidence }) {
    const sureness = confidence >= SURE ? "sure" : confidence >= FAIR ? "fair" : "unsure";
    const node = made("span", text, `word ${sureness}`);
    node.title = `${start.toFixed(2)} – ${end.toFixed(2)} s, ${Math.round(100 * confidence)} % sure`;
    node.append(made("time", start.toFixed(2)));
    return node;
  }

  clear() {
    this.segments = [];
    this.texts = [];
    element("captions").replaceChildren();
    this.live("", "");
  }

  update() {
    const some = this.texts.length > 0;
    for (const id of ["copy", "srt", "clear"]) element(id).disabled = !some;
    element("empty").hidden = some || Boolean(element("stable").textContent + element("tail").textContent);
  }
}
