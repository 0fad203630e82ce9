// Words of the insights.

export const en = {
  title: "Insights", views: "Views", intents: "Intents over time", outcomes: "Outcomes", flow: "Flow", search: "Search", calls: "Calls",
  loading: "Reading …", filter: "What is looked at", all: "all", time: "Time", time_all: "all", time_7d: "last 7 days", time_28d: "last 4 weeks", time_84d: "last 12 weeks", time_365d: "last year", time_dates: "from … to",
  since: "From", until: "To", scenario: "Scenario", agent: "Agent", team: "Team", language: "Language", outcome: "Outcome", intent: "Intent", topic: "Topic", objection: "Objection",
  said_by: "How calls ended", inferred: "inferred", observed: "observed", inferred_long: "as the words of the call suggest", observed_long: "as the CRM or the agent says",
  further: "Further condition", add: "Add", take_away: "Without {condition}", emptied: "Nothing is left once {condition} must hold.", nothing: "There is nothing yet.",
  won: "won", lost: "lost", open: "open",
  by: "by", day: "day", week: "week", month: "month", intents_chart: "Calls with each intent, by {period}", calls_in_all: "{n} calls", overlapping: "A call counts in each group that it belongs to.",
  in_chart: "Drawn", draw: "Draw {name}", n_calls: "Calls", share: "Share", course: "Course", trend: "Trend", rising: "rising", falling: "falling", steady: "steady", to_calls: "To the calls", unfinished: "{period} still runs and is left out of trends",
  win_rate_by: "Share of calls won, by {by}", results: "{won} won, {lost} lost, {open} open, {unknown} unknown", in_all: "{rate} won of those won or lost ({low} to {high})", won_of: "of {n} won or lost; {calls} calls", none_inferred: "Of none of these calls it can be told whether it was won or lost.", none_observed: "Nobody has said of these calls how they ended.",
  left_out: "{n} more are not shown.", no_cause: "Nothing here is a cause: it says what was seen together.",
  search_for: "What was said", search_such_as: "worried about the price", search_help: "What people said, by meaning and by word. The filter above narrows it.", said_by_whom: "Who said it", role_any: "anybody", role_customer: "customer", role_agent: "agent", role_supervisor: "supervisor", role_unknown: "unknown", found: "{n} found, the nearest first", at_in: "{at} in {call}",
  sort: "Order", "sort_-started": "newest first", sort_started: "oldest first", "sort_-duration": "longest first", sort_duration: "shortest first", page_before: "← Before", page_next: "Next →", page_n: "Page {n}",
  call: "Call", started: "Began", duration: "Length", intents_in: "Intents", failed: "failed in {stage}",
  edge_filter: "Which edges are shown", least_share: "At least of what follows", least_count: "At least times", noise: "noise, too", find_step: "Find a step", edges_left: "{n} of {all} edges, {steps} steps", flow_of: "paths of {n} of {calls} calls", closing: "part of the end: {names}", edges_out: "{n} rare edges are left out", seen_not_caused: "what was seen, not what causes what",
  about: "What is chosen", pick_help: "Choose a step or an edge. With the keyboard: Tab to the graph, arrows from step to step, Enter chooses; + and − zoom, 0 shows all of it, f finds a step.", times: "Times", again: "Calls that come back to it", repeats: "Said again at once", closes: "Closes calls", yes: "yes", won_share: "Won", won_share_as: "Won ({source})", rate_of: "{rate} of {n} ({low} to {high})", before: "Comes after", afterwards: "Followed by", calls_with_step: "Calls with this step", calls_with_both: "Calls that have both steps", of_what_follows: "Of what follows", median_later: "Later, in the median", seconds: "{n} s", dependency: "Dependency (−1 to 1)", kept: "Part of the flow", no_noise: "no: noise, or steps left out", is_noise: "noise",
  comma: ", ", colon: ": ", as_lists: "Steps and edges as tables", steps: "Steps", edges: "Edges", step: "Step", edge: "Edge", key_closer: "Flow: closer", key_farther: "Flow: farther away", key_fit: "Flow: all of it",
};

export const zh = {
  title: "洞察", views: "视图", intents: "意图趋势", outcomes: "结果", flow: "流程", search: "搜索", calls: "通话",
  loading: "正在读取……", filter: "查看范围", all: "全部", time: "时间", time_all: "全部", time_7d: "最近 7 天", time_28d: "最近 4 周", time_84d: "最近 12 周", time_365d: "最近一年", time_dates: "自定义",
  since: "从", until: "到", scenario: "场景", agent: "坐席", team: "团队", language: "语言", outcome: "结果", intent: "意图", topic: "主题", objection: "异议",
  said_by: "通话结果来源", inferred: "推断", observed: "实际", inferred_long: "根据通话内容推断", observed_long: "以 CRM 或坐席的记录为准",
  further: "更多条件", add: "添加", take_away: "去掉 {condition}", emptied: "加上条件 {condition} 后没有任何结果。", nothing: "还没有数据。",
  won: "赢单", lost: "丢单", open: "未定",
  by: "按", day: "天", week: "周", month: "月", intents_chart: "各意图的通话数（按{period}）", calls_in_all: "共 {n} 通", overlapping: "一通电话会计入它所属的每个分组。",
  in_chart: "图中", draw: "绘制 {name}", n_calls: "通话数", share: "占比", course: "走势", trend: "趋势", rising: "上升", falling: "下降", steady: "平稳", to_calls: "查看通话", unfinished: "{period} 尚未结束，不计入趋势",
  win_rate_by: "赢单率（按{by}）", results: "赢单 {won}，丢单 {lost}，未定 {open}，未知 {unknown}", in_all: "有输赢的通话中 {rate} 赢单（{low} 至 {high}）", won_of: "{n} 通有输赢；共 {calls} 通", none_inferred: "无法判断这些通话的输赢。", none_observed: "这些通话还没有实际结果的记录。",
  left_out: "另有 {n} 项未显示。", no_cause: "这里只说明同时出现的情况，不代表因果。",
  search_for: "说过的话", search_such_as: "担心价格太贵", search_help: "按语义和字词查找通话中说过的话，受上方条件限制。", said_by_whom: "说话人", role_any: "任何人", role_customer: "客户", role_agent: "坐席", role_supervisor: "主管", role_unknown: "未知", found: "找到 {n} 条，最接近的在前", at_in: "{call} 的 {at}",
  sort: "排序", "sort_-started": "最新在前", sort_started: "最早在前", "sort_-duration": "最长在前", sort_duration: "最短在前", page_before: "← 上一页", page_next: "下一页 →", page_n: "第 {n} 页",
  call: "通话", started: "开始时间", duration: "时长", intents_in: "意图", failed: "在 {stage} 失败",
  edge_filter: "显示哪些连线", least_share: "占后续的最低比例", least_count: "最少次数", noise: "包括噪声", find_step: "查找步骤", edges_left: "{n}/{all} 条连线，{steps} 个步骤", flow_of: "{calls} 通电话中 {n} 通的路径", closing: "属于结束部分：{names}", edges_out: "略去 {n} 条罕见连线", seen_not_caused: "只反映观察到的情况，不代表因果",
  about: "所选内容", pick_help: "请选择一个步骤或连线。键盘操作：按 Tab 进入图形，方向键在步骤间移动，Enter 选择；+ 和 − 缩放，0 显示全部，f 查找步骤。", times: "次数", again: "再次回到此步骤的通话", repeats: "紧接着重复", closes: "结束通话", yes: "是", won_share: "赢单率", won_share_as: "赢单率（{source}）", rate_of: "{n} 通中 {rate}（{low} 至 {high}）", before: "之前的步骤", afterwards: "之后的步骤", calls_with_step: "查看包含此步骤的通话", calls_with_both: "查看包含这两个步骤的通话", of_what_follows: "占后续的比例", median_later: "间隔（中位数）", seconds: "{n} 秒", dependency: "依赖度（−1 至 1）", kept: "属于主流程", no_noise: "否：噪声或跳步", is_noise: "噪声",
  comma: "、", colon: "：", as_lists: "以表格显示步骤和连线", steps: "步骤", edges: "连线", step: "步骤", edge: "连线", key_closer: "流程图：放大", key_farther: "流程图：缩小", key_fit: "流程图：显示全部",
};
