// Words of flow graphs.

export const en = {
  graph: "Steps of {scenario} and what follows them", closer: "Closer", farther: "Farther away", fit: "All of it",
  "(start)": "Start", "(end)": "End", calls: "{n} calls", won: "won {share}",
  edge_words: "{count} times, {share} of what follows",
};

export const zh = {
  graph: "{scenario} 的步骤及其后续", closer: "放大", farther: "缩小", fit: "显示全部",
  "(start)": "开始", "(end)": "结束", calls: "{n} 通", won: "赢单 {share}",
  edge_words: "{count} 次，占后续的 {share}",
};
