// Titles of labels — scenarios, steps, topics, outcomes — in the reader's language, as the server has them.

import { Problem, get, part } from "./api.js";
import { language, plain } from "./words.js";

const AGAIN_MS = 30_000;
/** By language, and then by scenario in the order in which they were learnt. @type {Map<string, Map<string, Map<string, string>>>} */
const known = new Map();
/** @type {Map<string, Promise<void>>} */
const asked = new Map();

/** @param {string} scenario @param {string} spoken */
const nameOf = (scenario, spoken) => `${spoken} ${scenario}`;

/** @param {string} scenario @param {string} spoken */
async function ask(scenario, spoken) {
  try {
    const found = await get(`/v1/titles/${part(scenario)}`, { language: spoken });
    known.set(spoken, (known.get(spoken) ?? new Map()).set(scenario, new Map(Object.entries(found.titles))));
  } catch (error) {
    // A scenario that is not known here: its labels are shown as they are. With no answer it is asked again.
    if (!(error instanceof Problem) || error.status !== 404) setTimeout(() => asked.delete(nameOf(scenario, spoken)), AGAIN_MS);
  }
}

/** Have the titles of a scenario, asked for once; it never fails. @param {string} scenario @returns {Promise<void>} */
export function titlesOf(scenario) {
  const spoken = language();
  const name = nameOf(scenario, spoken);
  const is = asked.get(name) ?? ask(scenario, spoken);
  asked.set(name, is);
  return is;
}

/** The same for where labels are shown meanwhile; `then` is called once, when the answer is there. @param {string} scenario @param {() => void} then */
export function learn(scenario, then) {
  if (!asked.has(nameOf(scenario, language()))) titlesOf(scenario).then(then);
}

/**
 * A label as people read it: its title in the scenario, without one in the first scenario that has it, else the label in words.
 * @param {string} label @param {string | null} [scenario]
 */
export function title(label, scenario) {
  const spoken = known.get(language());
  if (scenario) return spoken?.get(scenario)?.get(label) ?? plain(label);
  for (const titles of spoken?.values() ?? []) {
    const found = titles.get(label);
    if (found !== undefined) return found;
  }
  return plain(label);
}
