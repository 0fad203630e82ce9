// A call from the microphone: its audio goes out by a WebSocket, what is found in it comes back as events.
// All that comes from calls is set as text, never as HTML. The key is kept in a variable alone.

import { WORDS } from "/try/words.js";

const RATE_HZ = 16000;
const MOST_BEHIND = 640000; // bytes that may wait in the browser: 20 s of audio
const OF = "suggestions,recaps,checklists,alerts,transcript";
const by = (id) => document.getElementById(id);

let words = WORDS.en;
let call = null;

class Told extends Error {} // words for the person at the page

function speak(language) {
  words = WORDS[language];
  document.documentElement.lang = language;
  for (const one of document.querySelectorAll("[data-words]")) one.textContent = words[one.dataset.words];
  by("level").setAttribute("aria-label", words.level);
  for (const id of ["transcript", "suggestions", "checklist", "alerts", "recap"]) {
    by(id).dataset.nothing = words.nothing;
  }
  if (by("status").dataset.state !== "said") state(by("status").dataset.state);
}

function state(name, detail) {
  by("status").dataset.state = detail === undefined ? name : "said";
  by("status").textContent = detail ?? words["state_" + name];
}

function line(list, id, parts, kind = "") {
  const shown = list.querySelector(`[data-id="${CSS.escape(id)}"]`) ?? list.appendChild(document.createElement("li"));
  shown.dataset.id = id;
  shown.className = kind;
  shown.replaceChildren(
    ...parts.filter(([text]) => text).map(([text, part]) => {
      const span = document.createElement("span");
      span.className = part;
      span.textContent = text;
      return span;
    }),
  );
  list.scrollTop = list.scrollHeight;
  return shown;
}

const clock = (ms) => new Date(ms).toISOString().slice(14, 19);

const SHOWN = {
  "transcript.segment": ({ segment, final }) =>
    line(by("transcript"), segment.segment_id, [
      [clock(segment.start_ms), "when"],
      [words[segment.role] ?? segment.role, "who"],
      [segment.text, "text"],
    ], final ? "" : "partial"),
  "suggestion.created": (one) =>
    line(by("suggestions"), one.suggestion_id, [
      [one.title, "title"],
      [one.text, "text"],
      [one.reason && words.because + one.reason, "help"],
      [one.approved_by && words.approved + one.approved_by, "help"],
    ]),
  "suggestion.withdrawn": (one) => {
    const shown = by("suggestions").querySelector(`[data-id="${CSS.escape(one.suggestion_id)}"]`);
    if (shown) {
      const told = document.createElement("span");
      told.className = "help";
      told.textContent = words.withdrawn;
      shown.className = "withdrawn";
      shown.append(told);
    }
  },
  "checklist.updated": ({ items }) => {
    by("checklist").replaceChildren();
    for (const item of items) {
      line(by("checklist"), item.name, [
        [item.said ? "✓" : "○", "when"],
        [item.title, "text"],
        [item.said ? words.said : words.open, "help"],
      ]);
    }
  },
  "call.alert": (one) =>
    line(by("alerts"), one.alert_id, [
      [clock(one.at_ms), "when"],
      [one.title, "text"],
      [(one.evidence ?? []).map((found) => found.quote).join(" … "), "help"],
    ]),
  "call.recap": (one) => {
    by("recap").replaceChildren();
    for (const fact of one.facts ?? []) line(by("recap"), "fact " + fact.name, [[fact.name, "who"], [fact.value, "text"]]);
    for (const promise of one.promises ?? []) line(by("recap"), "promise " + promise.what, [[promise.what, "text"]]);
    for (const earlier of one.earlier ?? []) {
      line(by("recap"), earlier.call_id, [
        [(earlier.started_at ?? "").slice(0, 10), "when"],
        [earlier.summary || earlier.call_id, "text"],
        [earlier.outcome, "help"],
      ]);
    }
  },
};

async function ask(path, key, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { Authorization: "Bearer " + key, "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  if (answer.ok) return answer.json();
  const told = { 401: words.no_key, 403: words.not_allowed, 429: words.busy, 503: words.busy }[answer.status];
  const problem = await answer.json().catch(() => ({}));
  throw new Told(told ?? problem.detail ?? String(answer.status));
}

const ticket = async (key) => (await ask("/v1/tickets", key)).ticket;

async function listen(now) {
  const query = new URLSearchParams({ call: now.id, of: OF, ticket: await ticket(now.key) });
  if (now.lastEventId) query.set("last_event_id", now.lastEventId);
  const events = new EventSource("/v1/streams?" + query);
  now.events = events;
  const noted = (event) => {
    now.lastEventId = event.lastEventId || now.lastEventId;
    return JSON.parse(event.data);
  };
  for (const [name, show] of Object.entries(SHOWN)) {
    events.addEventListener(name, (event) => {
      const told = noted(event);
      if (now === call) show(told);
    });
  }
  events.addEventListener("status", (event) => {
    if (now !== call || !now.socket) return;
    state(noted(event).state === "away" ? "away" : "on");
  });
  events.onerror = () => {
    // A ticket opens once: to go on, there is a new one.
    events.close();
    if (now !== call) return;
    setTimeout(() => now === call && listen(now).catch(() => events.onerror()), 2000);
  };
}

async function microphone(now) {
  try {
    now.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true },
    });
    now.audio = new AudioContext({ sampleRate: RATE_HZ });
    await now.audio.audioWorklet.addModule("/try/microphone.js");
  } catch {
    throw new Told(words.no_microphone);
  }
}

async function speaking(now, role) {
  const query = new URLSearchParams({ encoding: "L16", rate: RATE_HZ, roles: role, ticket: await ticket(now.key) });
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/v1/calls/${encodeURIComponent(now.id)}/audio?${query}`);
  now.socket = socket;
  await new Promise((opened, failed) => {
    socket.onopen = opened;
    socket.onerror = () => failed(new Told(words.not_allowed));
  });
  const heard = new AudioWorkletNode(now.audio, "microphone");
  heard.port.onmessage = ({ data }) => {
    by("level").value = data.level;
    if (socket.readyState !== WebSocket.OPEN || now.ending) return;
    if (socket.bufferedAmount > MOST_BEHIND) socket.close(4000, "the line is too slow");
    else socket.send(data.samples);
  };
  now.audio.createMediaStreamSource(now.stream).connect(heard);
  socket.onmessage = ({ data }) => {
    if (JSON.parse(data).type === "ended") socket.close();
  };
  socket.onclose = ({ code, reason }) => {
    silence(now);
    if (now !== call) return;
    if (now.ending || code === 1000) state("ended");
    else state("", words.broken + (reason || code));
    ready();
  };
}

function silence(now) {
  now.socket = null;
  for (const track of now.stream?.getTracks() ?? []) track.stop();
  if (now.audio?.state !== "closed") now.audio?.close();
  by("level").value = 0;
}

function ready() {
  by("start").disabled = false;
  by("stop").disabled = true;
}

async function start() {
  call?.events?.close();
  const now = { key: by("key").value.trim(), ending: false };
  call = now;
  by("start").disabled = true;
  for (const id of ["transcript", "suggestions", "checklist", "alerts", "recap"]) by(id).replaceChildren();
  state("opening");
  try {
    await microphone(now);
    const role = by("role").value;
    const facts = {
      language: by("language").value,
      channels: [{ index: 0, role }],
      ...(by("scenario").value.trim() && { scenario: by("scenario").value.trim() }),
    };
    now.id = (await ask("/v1/calls", now.key, facts)).call_id;
    await listen(now);
    await speaking(now, role);
    by("stop").disabled = false;
    by("stop").focus();
    state("on");
  } catch (error) {
    silence(now);
    now.events?.close();
    call = null;
    state("", error instanceof Told ? error.message : words.broken + error.message);
    ready();
  }
}

function stop() {
  if (!call?.socket || call.ending) return;
  call.ending = true;
  state("ending");
  call.socket.send(JSON.stringify({ type: "end", reason: "ended in the page" }));
}

by("call").addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
by("stop").addEventListener("click", stop);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") stop();
});
by("page-language").addEventListener("change", (event) => speak(event.target.value));
const language = navigator.language.startsWith("zh") ? "zh" : "en";
by("page-language").value = language;
by("language").value = language;
speak(language);
