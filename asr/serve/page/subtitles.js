// Subtitles (SubRip) from words with times: cut where they grow too long or stand over a pause.

const LINE = 42; // characters
const SHOWN = 7; // seconds
const PAUSE = 1; // seconds

function clock(seconds) {
  const all = Math.round(seconds * 1000);
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const thousandths = String(all % 1000).padStart(3, "0");
  return `${two(all / 3600000)}:${two((all / 60000) % 60)}:${two((all / 1000) % 60)},${thousandths}`;
}

function cues(segments) {
  const all = [];
  for (const words of segments) {
    let cue = [];
    for (const word of words) {
      const length = cue.reduce((sum, one) => sum + one.text.length + 1, word.text.length);
      const last = cue[cue.length - 1];
      if (last && (length > LINE || word.end - cue[0].start > SHOWN || word.start - last.end >= PAUSE)) {
        all.push(cue);
        cue = [];
      }
      cue.push(word);
    }
    if (cue.length) all.push(cue);
  }
  return all;
}

function harmless(text) {
  return text
    .replace(/&(?=#?[\p{L}\p{N}_]+;)/gu, "&amp;")
    .replace(/<(?=[\p{L}\p{N}_/!?])/gu, "&lt;")
    .replaceAll("-->", "--&gt;");
}

export function subtitles(segments) {
  return cues(segments)
    .map((cue, index) => {
      const text = harmless(cue.map((word) => word.text).join(" "));
      return `${index + 1}\n${clock(cue[0].start)} --> ${clock(cue[cue.length - 1].end)}\n${text}\n\n`;
    })
    .join("");
}
