// One call: its facts, words, findings and recording; a quote leads to the moment it was said.

import { Problem, get, part } from "../api.js";
import { fill, h } from "../dom.js";
import { keys } from "../keys.js";
import { title, titlesOf } from "../titles.js";
import { clock, moment, words } from "../words.js";
import { evidenceOf, marksOf, saidAt } from "./evidence.js";
import { findings } from "./findings.js";
import { path } from "./path.js";
import { player } from "./player.js";
import { transcript } from "./transcript.js";
import { en, zh } from "./words.js";

/** @typedef {import("./transcript.js").Named} Named */

const t = words({ en, zh });
const FACTS = ["team", "queue", "campaign", "direction", "customer_id", "lane", "extractor", "model", "scenario_version"];

/** @type {import("../pages.js").PageModule["mount"]} */
export async function mount(root, context) {
  const call = context.url.pathname.slice("/calls/".length).split("/").map(decodeURIComponent).join("/");
  fill(root, h("p", { class: "help" }, t("loading")));
  let view, said;
  try {
    [view, said] = await Promise.all([get(`/v1/calls/${part(call)}`), get(`/v1/calls/${part(call)}/transcript`)]);
  } catch (error) {
    if (!(error instanceof Problem) || (error.status !== 404 && error.status !== 422)) throw error;
    return fill(root, h("section", { class: "empty" }, h("h1", {}, t("no_call")), h("p", {}, t("not_yours"))));
  }
  const scenario = /** @type {string | null} */ (view.row.scenario);
  if (scenario) await titlesOf(scenario);
  const named = (/** @type {string} */ label) => title(label, scenario);
  const segments = said.segments;
  const marks = marksOf(evidenceOf(view), segments);
  const text = transcript(segments, marks, said.language, named, play);
  const way = path(segments, marks, said.duration_ms, named, play);
  const sound = player(call, (ms, playing) => {
    way.at(ms);
    text.show(saidAt(segments, ms), ms, !playing);
  });

  /** @param {number} ms */
  function play(ms) {
    const at = Math.max(0, Math.round(ms));
    context.note(`${location.pathname}?at=${at}`);
    sound.from(at);
    way.at(at);
    text.show(saidAt(segments, at), at, true);
  }

  document.title = `${call} · convmine`;
  fill(root,
    header(view, call, named),
    h("div", { class: "call-room" },
      h("div", { class: "call-said" }, sound.element, segments.length ? text.element : h("p", { class: "empty card" }, t("no_words"))),
      h("div", { class: "call-found" }, view.summary && h("section", { class: "card summary" }, h("h2", {}, t("summary")), h("p", { lang: said.language }, view.summary)), way.element, findings(view, marks, named, play))));
  const from = Number(context.url.searchParams.get("at"));
  if (context.url.searchParams.has("at") && Number.isFinite(from)) {
    sound.place(from);
    way.at(from);
    text.show(saidAt(segments, from), from, true);
  }
  const unkey = keys([
    { key: " ", says: t("key_play"), does: () => sound.toggle() },
    { key: "ArrowLeft", says: t("key_back"), does: () => sound.skip(-1) },
    { key: "ArrowRight", says: t("key_on"), does: () => sound.skip(1) },
    { key: "<", says: t("key_slower"), does: () => sound.faster(-1) },
    { key: ">", says: t("key_faster"), does: () => sound.faster(1) },
  ]);
  return () => {
    unkey();
    sound.leave();
    text.leave();
  };
}

/** @param {any} view @param {string} call @param {Named} named */
function header(view, call, named) {
  const { row, facts } = view;
  const told = [
    [t("started"), row.started_at && moment(row.started_at)],
    [t("duration"), row.duration_ms && clock(row.duration_ms)],
    [t("scenario"), row.scenario && named(row.scenario)],
    [t("language"), row.language],
    [t("agent"), row.agent],
    ...FACTS.map((name) => [t(name), facts[name]]),
  ].filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("section", { class: "card call-head" },
    h("div", { class: "row between" },
      h("h1", {}, call),
      h("div", { class: "row" }, facts.live && h("span", { class: "badge warn" }, t("live")), outcome("inferred", row.outcome_inferred, named), outcome("observed", row.outcome_observed, named),
        h("a", { href: `/insights?tab=calls${row.agent ? `&agent=${encodeURIComponent(row.agent)}` : ""}` }, t("more_calls")))),
    row.failed && h("p", { class: "bad" }, t("failed", { stage: row.failed.stage }), t("colon"), row.failed.reason),
    h("dl", { class: "call-facts" }, told.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))))));
}

/** @param {"inferred" | "observed"} source @param {{name: string, result: string, said_by: string} | null} outcome @param {Named} named */
function outcome(source, outcome, named) {
  const kind = { won: "good", lost: "bad" }[/** @type {"won"} */ (outcome?.result)] ?? "";
  return h("span", { class: `outcome outcome-${source}` }, h("span", { class: "help" }, t(source), t("colon")),
    outcome ? h("span", { class: `badge ${kind}`, title: t("said_by", { who: outcome.said_by }) }, `${t(outcome.result)} · ${named(outcome.name)}`) : h("span", { class: "help" }, t("unknown")));
}
