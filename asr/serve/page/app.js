// The page: a microphone or a recording in, captions out.

import { Captions } from "./captions.js";
import { Microphone } from "./microphone.js";
import { AccessError, Conversation, model, remember, transcribe } from "./server.js";
import { subtitles } from "./subtitles.js";
import { Waveform } from "./waveform.js";

const element = (id) => document.getElementById(id);
const captions = new Captions();
const waveform = new Waveform(element("wave"));
let listening = null; // {microphone, conversation}
let streams = false;

function tell(text, error = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", error);
}

function tick(seconds) {
  element("clock").value = `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
}

function show(state) {
  const busy = state !== "ready";
  document.body.dataset.state = state;
  element("record").disabled = state === "transcribing" || state === "finishing" || !streams;
  element("record").setAttribute("aria-pressed", String(state === "listening"));
  element("record-label").textContent = state === "listening" ? "Stop" : "Listen";
  element("choose").disabled = busy;
  element("processing").disabled = busy;
}

function answered(answer) {
  if ("partial" in answer) {
    captions.live(answer.stable || "", answer.partial);
  } else {
    const words = (answer.result || []).map(({ word, start, end, conf }) => {
      return { text: word, start, end, confidence: conf };
    });
    captions.add(answer.text, words);
  }
}

async function listen() {
  const held = { seconds: 0 };
  show("finishing");
  try {
    const microphone = await Microphone.open(element("processing").checked, (piece) => {
      held.seconds += piece.byteLength / 2 / microphone.sampleRate;
      waveform.hear(new Int16Array(piece), microphone.sampleRate);
      tick(held.seconds);
      held.conversation.send(piece);
    });
    captions.head("");
    waveform.clear();
    held.conversation = new Conversation(microphone.sampleRate, answered, (reason) => over(held, reason));
    held.microphone = microphone;
    listening = held;
    await microphone.start();
    show("listening");
    tell(`Listening at ${microphone.sampleRate / 1000} kHz.`);
  } catch (error) {
    over(held, error.name === "NotAllowedError" ? "The browser does not let this page use the microphone." : error.message);
  }
}

async function stop() {
  show("finishing");
  tell("Finishing…");
  await listening.microphone.close();
  listening.conversation.finish();
}

async function over(held, reason) {
  if (listening === held) listening = null;
  if (held.microphone && held.microphone.context.state !== "closed") await held.microphone.close();
  show("ready");
  tell(reason || "Done.", Boolean(reason));
}

async function open(file) {
  if (document.body.dataset.state !== "ready") return;
  show("transcribing");
  tell(`Transcribing ${file.name} …`);
  captions.head(file.name);
  waveform.show(file);
  try {
    const begin = performance.now();
    const found = await transcribe(file);
    for (const segment of found.segments) {
      const inside = found.segments.length === 1 ? found.words : found.words.filter((word) => {
        return word.start >= segment.start && word.start < segment.end;
      });
      captions.add(segment.text, inside.map(({ word, start, end, probability }) => {
        return { text: word, start, end, confidence: probability };
      }));
    }
    tick(found.duration);
    tell(`${found.duration.toFixed(1)} s of audio in ${((performance.now() - begin) / 1000).toFixed(1)} s.`);
  } catch (error) {
    if (error instanceof AccessError) element("access").showModal();
    tell(error.message, true);
  }
  show("ready");
}

function save(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-subrip" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function connect() {
  try {
    const served = await model();
    streams = served.streams;
    element("model").textContent = served.id;
    element("access").close();
    show("ready");
    tell(streams ? "Ready." : "This model transcribes recordings; it cannot listen live.");
  } catch (error) {
    if (!(error instanceof AccessError)) return tell(error.message, true);
    tell("A token is needed.");
    if (element("access").open) element("access-error").textContent = error.message;
    else element("access").showModal();
  }
  return undefined;
}

element("record").onclick = () => (listening ? stop() : listen());
element("choose").onclick = () => element("file").click();
element("file").onchange = ({ target }) => {
  if (target.files.length) open(target.files[0]);
  target.value = "";
};
element("times").onchange = ({ target }) => element("captions").classList.toggle("timed", target.checked);
element("copy").onclick = async () => {
  await navigator.clipboard.writeText(captions.texts.join("\n"));
  tell("Copied.");
};
element("srt").onclick = () => save("captions.srt", subtitles(captions.segments));
element("clear").onclick = () => captions.clear();
element("access-form").onsubmit = (event) => {
  event.preventDefault();
  remember(element("token").value);
  connect();
};
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    element("veil").hidden = name === "drop" || (name === "dragleave" && event.relatedTarget === null);
    if (name === "drop" && event.dataTransfer.files.length) open(event.dataTransfer.files[0]);
  });
}
connect();
