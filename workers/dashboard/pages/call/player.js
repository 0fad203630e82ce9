// The recording of a call: played from any moment; where it is gone, or none was kept, that is said and nothing else breaks.

import { answered, part } from "../api.js";
import { fill, h } from "../dom.js";
import { clock, words } from "../words.js";
import { en, zh } from "./words.js";

/** @typedef {"looking" | "there" | "none" | "gone" | "broken"} Found */

const t = words({ en, zh });
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const BEFORE_MS = 300;
const STEP_S = 5;
const KEPT = "convmine.speed";

/**
 * @param {string} call
 * @param {(ms: number, playing: boolean) => void} onTime several times a second while it plays, and after each jump
 */
export function player(call, onTime) {
  const audio = /** @type {HTMLAudioElement} */ (h("audio", { controls: true, preload: "metadata", "aria-label": t("recording") }));
  const speed = h("select", { "aria-label": t("speed") }, SPEEDS.map((one) => h("option", { value: one }, `${one} ×`)));
  const said = h("p", { class: "help", role: "status" });
  const element = h("div", { class: "player card" }, said);
  const source = `/v1/calls/${part(call)}/audio`;
  let is = /** @type {Found} */ ("looking");
  let frame = 0;
  let waits = /** @type {number | null} */ (null);
  let wanted = false; // somebody chose a moment before the recording was found

  /** @param {Found} now */
  function become(now) {
    is = now;
    element.dataset.state = now;
    if (now === "there") fill(element, audio, h("label", { class: "row" }, t("speed"), speed), h("p", { class: "help keys-told" }, t("keys_told")));
    else {
      said.textContent = t(`audio_${now}`);
      fill(element, said);
    }
  }

  async function look() {
    become("looking");
    try {
      const reply = await fetch(source, { method: "HEAD" });
      for (const watch of answered) watch(reply.status);
      if (!reply.ok) return become(reply.status === 404 ? "none" : reply.status === 410 ? "gone" : "broken");
      audio.src = source;
      become("there");
      if (wanted) start();
    } catch {
      become("broken");
    }
  }

  const tell = () => onTime(audio.currentTime * 1000, !audio.paused);
  function follow() {
    tell();
    frame = audio.paused ? 0 : requestAnimationFrame(follow);
  }
  audio.addEventListener("play", () => frame || follow());
  audio.addEventListener("seeked", tell);
  audio.addEventListener("loadedmetadata", () => {
    if (waits !== null) audio.currentTime = waits / 1000;
    waits = null;
    audio.playbackRate = Number(speed.value);
  });
  audio.addEventListener("error", async () => {
    const reply = await fetch(source, { method: "HEAD" }).catch(() => null);
    become(reply?.status === 410 ? "gone" : "broken");
  });
  speed.value = String(SPEEDS.find((one) => String(one) === localStorage.getItem(KEPT)) ?? 1);
  speed.addEventListener("change", () => {
    audio.playbackRate = Number(speed.value);
    localStorage.setItem(KEPT, speed.value);
  });
  look();

  /** @param {number} ms */
  function place(ms) {
    if (audio.readyState >= HTMLMediaElement.HAVE_METADATA) audio.currentTime = ms / 1000;
    else waits = ms;
  }

  const start = () => audio.play().catch(() => {}); // a browser that wants a gesture first shows its own control

  return {
    element,
    place,
    /** Play from just before this time, as soon as the recording is found; nothing where there is none. @param {number} ms */
    from(ms) {
      if (is !== "there" && is !== "looking") return;
      place(Math.max(0, ms - BEFORE_MS));
      if (is === "there") start();
      else wanted = true;
    },
    toggle: () => is === "there" && (audio.paused ? start() : audio.pause()),
    /** @param {number} by steps of five seconds */
    skip: (by) => is === "there" && place(Math.max(0, (audio.currentTime + by * STEP_S) * 1000)),
    /** @param {number} by */
    faster(by) {
      const next = SPEEDS[SPEEDS.indexOf(Number(speed.value)) + by];
      if (next === undefined) return;
      speed.value = String(next);
      speed.dispatchEvent(new Event("change"));
    },
    get time() {
      return clock(audio.currentTime * 1000);
    },
    leave() {
      wanted = false;
      cancelAnimationFrame(frame);
      audio.pause();
      audio.removeAttribute("src");
      audio.load();
    },
  };
}
