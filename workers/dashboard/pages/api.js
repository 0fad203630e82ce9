// Requests to the server we came from. The session's cookie says who asks; problems come as errors with words.

/** What the server says where it cannot answer (RFC 9457). */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {number | null} [waitS] */
  constructor(status, body, waitS = null) {
    super(body.detail ?? String(status));
    this.status = status;
    this.hint = body.hint ?? "";
    this.body = body;
    this.waitS = waitS;
  }
}

/** The server could not be reached at all. */
export class Away extends Error {}

/** ms by which the server's clock is ahead of this machine's; a clock that is wrong or turned back does no harm. */
let ahead = 0;
const steady = () => performance.timeOrigin + performance.now();

/** The time at the server, in ms since 1970, as far as its answers say it: to a second. */
export const serverNow = () => steady() + ahead;

/** @param {Response} reply */
function hear(reply) {
  const said = Date.parse(reply.headers.get("Date") ?? "");
  if (said) ahead = said + 500 - steady();
}

/** Called with every answer's status; the shell watches for 401. @type {Set<(status: number) => void>} */
export const answered = new Set();

/**
 * @param {string} method @param {string} path @param {any} [body] @param {AbortSignal} [signal]
 * @returns {Promise<any>} the JSON of the answer, null where it has none
 */
export async function ask(method, path, body, signal) {
  const headers = /** @type {Record<string, string>} */ ({});
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let reply;
  try {
    reply = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Away(String(error));
  }
  hear(reply);
  for (const watch of answered) watch(reply.status);
  const text = await reply.text();
  if (reply.ok) return text ? JSON.parse(text) : null;
  throw new Problem(reply.status, read(text, reply.status), Number(reply.headers.get("Retry-After")) || null);
}

/** @param {string} text @param {number} status */
function read(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: String(status) };
  }
}

/**
 * The path with a query; lists give a parameter several times, null and "" leave it out.
 * @param {string} path @param {Record<string, any>} [parameters]
 */
export function at(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(name, String(one));
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** @param {string} path @param {Record<string, any>} [parameters] @param {AbortSignal} [signal] */
export const get = (path, parameters, signal) => ask("GET", at(path, parameters), undefined, signal);
/** @param {string} path @param {any} [body] */
export const post = (path, body = {}) => ask("POST", path, body);
/** A name as part of a path. @param {string} name */
export const part = (name) => encodeURIComponent(name);
