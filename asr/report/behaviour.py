"""What a page does: it marks words in the pictures, plays the sound from a word on, and follows the keys."""

from __future__ import annotations

SCRIPT = """
"use strict";
for (const article of document.querySelectorAll("article")) {
  const audio = article.querySelector("audio");
  const words = [...article.querySelectorAll(".words .word")];
  const rows = [...article.querySelectorAll(".row")];
  const about = article.querySelector(".about");
  const seconds = (node, name) => Number(node.dataset[name]);
  const rowAt = (time) => rows.find((row) => time < seconds(row, "end")) || rows[rows.length - 1];
  const place = (row, time) => {
    const [start, end] = [seconds(row, "start"), seconds(row, "end")];
    return Math.min(1000, Math.max(0, (1000 * (time - start)) / (end - start)));
  };
  let marked = null;
  function mark(word) {
    if (word === marked) return;
    if (marked) marked.classList.remove("now");
    for (const shown of article.querySelectorAll(".mark")) shown.setAttribute("width", 0);
    marked = word;
    about.textContent = word ? word.textContent + ": " + word.title : "";
    if (!word) return;
    word.classList.add("now");
    const row = word.closest(".row");
    const [first, last] = [place(row, seconds(word, "start")), place(row, seconds(word, "end"))];
    const shape = row.querySelector(".mark");
    shape.setAttribute("x", first);
    shape.setAttribute("width", Math.max(2, last - first));
  }
  function follow() {
    const time = audio.currentTime;
    const row = rowAt(time);
    for (const other of rows) {
      other.querySelector(".head").setAttribute("visibility", other === row ? "visible" : "hidden");
    }
    for (const end of ["x1", "x2"]) row.querySelector(".head").setAttribute(end, place(row, time));
    mark(words.find((word) => time >= seconds(word, "start") && time < seconds(word, "end")) || null);
    if (!audio.paused) requestAnimationFrame(follow);
  }
  function play(time) {
    audio.currentTime = time;
    audio.play();
  }
  function choose(word) {
    if (audio) play(seconds(word, "start"));
    else mark(word);
  }
  function step(word, key) {
    const last = words.length - 1;
    const at = words.indexOf(word);
    const goals = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last };
    if (!(key in goals)) return false;
    const next = words[Math.min(last, Math.max(0, goals[key]))];
    for (const one of words) one.tabIndex = one === next ? 0 : -1;
    next.focus();
    return true;
  }
  for (const word of words) {
    word.tabIndex = word === words[0] ? 0 : -1;
    word.setAttribute("role", "button");
    word.addEventListener("focus", () => mark(word));
    word.addEventListener("pointerenter", () => (!audio || audio.paused) && mark(word));
    word.addEventListener("click", () => choose(word));
    word.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const chosen = event.key === "Enter" || event.key === " ";
      if (chosen) choose(word);
      if (chosen || step(word, event.key)) event.preventDefault();
    });
  }
  if (!audio) continue;
  for (const name of ["play", "seeked", "pause"]) audio.addEventListener(name, follow);
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
  });
  for (const row of rows) {
    const picture = row.querySelector(".picture");
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      play(seconds(row, "start") + share * (seconds(row, "end") - seconds(row, "start")));
    });
  }
}
"""
"""It reads numbers and text, and writes no HTML. The words of an article are one stop of the Tab key; the
arrows go from word to word, and Enter plays."""
