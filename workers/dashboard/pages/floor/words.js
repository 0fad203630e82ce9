// Words of the floor.

export const en = {
  title: "Floor", calls: "Calls on", alerts: "With alerts", silent: "Silent", negative: "Customer cross", held: "On hold",
  rule: "First: alerts that nobody has seen, the newest before others; then the longest silence (nobody has spoken for {quiet} s or more, hold does not count); then the crossest customer; then the longest call.",
  tone: "The customer's tone is the mean of their newest five intents that have one. Alerts are marked as seen for as long as the dashboard runs.",
  search: "Search", any_scenario: "All scenarios", scenario_is: "Scenario", agent_is: "Agent", only: "Only calls with alerts", clear: "Clear filters",
  list: "Calls that are on", agent: "Agent and call", scenario: "Scenario", lasts: "Lasts", step: "Now at", sentiment: "Customer", state: "State", alert: "Newest alert", share: "Agent talks",
  by_attention: "By what needs attention",
  positive: "pleased", neutral: "even",
  negative_word: "cross",
  no_agent: "no agent", suggestion: "suggestion open", ended: "ended", chat: "chat",
  held_for: "on hold {time}", silent_for: "silent {time}",
  alerts_of: "{all} alerts, {unseen} not seen", overdue: "Not said: {title}",
  seen: "Seen", seen_of: "Seen: {title}, {agent}", seen_by: "seen by {who}",
  new_alerts: "{count} new alerts", new_alert: "1 new alert", announced: "{count} new alerts, the newest: {title}", announced_one: "New alert: {title}",
  none: "No call is on.", none_fit: "No call fits these filters.", shown: "{shown} of {all} calls",
  waits: "The order waits while you point at the list or are in it.",
  key_list: "To the list", key_search: "Search calls", key_seen: "Mark the alert of the chosen call as seen", key_new: "To the new alerts", key_only: "Only calls with alerts",
};

export const zh = {
  title: "现场", calls: "进行中的通话", alerts: "有预警", silent: "静默", negative: "客户不满", held: "保持中",
  rule: "排序：先是无人处理的预警，新的在前；然后是静默最久的通话（双方 {quiet} 秒及以上无人说话，保持不算）；然后是客户最不满的；最后是时间最长的。",
  tone: "客户情绪取其最近五个带情绪的意图的平均值。“已处理”标记在看板进程运行期间有效。",
  search: "搜索", any_scenario: "全部场景", scenario_is: "场景", agent_is: "坐席", only: "只看有预警的通话", clear: "清除筛选",
  list: "进行中的通话", agent: "坐席与通话", scenario: "场景", lasts: "时长", step: "当前步骤", sentiment: "客户情绪", state: "状态", alert: "最新预警", share: "坐席说话占比",
  by_attention: "按需要关注的程度",
  positive: "满意", neutral: "平稳",
  negative_word: "不满",
  no_agent: "无坐席", suggestion: "建议待处理", ended: "已结束", chat: "文字聊天",
  held_for: "保持 {time}", silent_for: "静默 {time}",
  alerts_of: "共 {all} 条预警，{unseen} 条未处理", overdue: "未说：{title}",
  seen: "已处理", seen_of: "标记已处理：{title}，{agent}", seen_by: "{who} 已处理",
  new_alerts: "{count} 条新预警", new_alert: "1 条新预警", announced: "{count} 条新预警，最新：{title}", announced_one: "新预警：{title}",
  none: "当前没有通话。", none_fit: "没有符合筛选条件的通话。", shown: "显示 {shown} / {all} 个通话",
  waits: "鼠标在列表上或焦点在列表中时，顺序保持不变。",
  key_list: "转到列表", key_search: "搜索通话", key_seen: "将所选通话的预警标记为已处理", key_new: "转到新预警", key_only: "只看有预警的通话",
};
