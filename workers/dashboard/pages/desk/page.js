// The desk: a seller's own calls, or the call that a supervisor reads along with.

import { choosing } from "./choosing.js";
import { listening } from "./listening.js";
import { ownDesk } from "./own.js";

/** @type {import("../pages.js").PageModule["mount"]} */
export function mount(root, context) {
  const call = context.url.searchParams.get("call");
  if (context.me.agent === null) return call ? listening(root, context, call) : choosing(root, context);
  let close = ownDesk(root, context, (others) => {
    close();
    root.replaceChildren();
    close = listening(root, context, others);
  });
  return () => close();
}
