// Reading along: a supervisor sees one call as its agent does, and answers nothing in the agent's place.

import { following } from "./following.js";
import { screen } from "./screen.js";
import { t } from "./spoken.js";

/** @typedef {import("../pages.js").Context} Context */

/** @param {HTMLElement} root @param {Context} context @param {string} id of the call */
export function listening(root, context, id) {
  const desk = following({ call: id }, () => view.schedule());
  const view = screen(root, context, {
    calls: () => [],
    active: () => desk.calls.get(id) ?? null,
    choose: () => {},
    tick: desk.tick,
    readOnly: true,
    waiting: () => (desk.isOpen ? t("not_yours") : ""),
  });
  return () => {
    view.close();
    desk.close();
  };
}
