// Names that fit into the boxes of a flow graph, which have their size before the names are known.

/** Chinese is broken anywhere, other words between them. */
const PARTS = /[\u2e80-\uffff]|[^\s\u2e80-\uffff]+/g;
const FONT_PX = 13; // as in flow_graph.css
/** @type {CanvasRenderingContext2D | null | undefined} */
let pen;

/** How wide a text is, in px. @param {string} text */
function widthOf(text) {
  if (pen === undefined) {
    pen = document.createElement("canvas").getContext("2d");
    if (pen) pen.font = `${FONT_PX}px ${getComputedStyle(document.documentElement).fontFamily}`;
  }
  return pen ? pen.measureText(text).width : text.length * FONT_PX;
}

/** The text, or as much of it as fits with an ellipsis. @param {string} text @param {number} width in px */
export function cut(text, width) {
  if (widthOf(text) <= width) return text;
  const letters = Array.from(text);
  while (letters.length && widthOf(`${letters.join("")}…`) > width) letters.pop();
  return `${letters.join("").trimEnd()}…`;
}

/** The text in lines; the last one is cut where there are not enough. @param {string} text @param {number} most lines @param {number} width in px */
export function broken(text, most, width) {
  const lines = [];
  let line = "";
  let end = 0;
  for (const { 0: part, index } of text.matchAll(PARTS)) {
    const longer = line + (line ? text.slice(end, index) : "") + part;
    if (line && widthOf(longer) > width) {
      if (lines.length === most - 1) return [...lines, cut(line + text.slice(end), width)];
      lines.push(line);
      line = part;
    } else line = longer;
    end = index + part.length;
  }
  return [...lines, cut(line, width)];
}
