// Words of a call's page.

export const en = {
  colon: ": ", loading: "Reading …", no_call: "Nothing here", not_yours: "There is no such call, or it is not for you.",
  started: "Began", duration: "Length", scenario: "Scenario", language: "Language", agent: "Agent", team: "Team", queue: "Queue", campaign: "Campaign", direction: "Direction", customer_id: "Customer", lane: "Lane", extractor: "Mined by", model: "Model", scenario_version: "Version of the scenario",
  inferred: "inferred", observed: "observed", won: "won", lost: "lost", open: "open", unknown: "not known", said_by: "said by {who}", live: "goes on", failed: "Failed in {stage}", more_calls: "Other calls",
  summary: "Summary", transcript: "What was said", no_words: "Of this call no words are stored.", path: "How it went", no_path: "No steps were found.",
  role_agent: "agent", role_customer: "customer", role_supervisor: "supervisor", role_unknown: "unknown",
  intent: "intent", objection: "objection", follow_up: "follow-up", tone: "tone", compliance: "compliance", entity: "detail",
  play_from: "Play from {at}", hear: "Hear it at {at}", quote: "{text} ({says})",
  intents: "Intents", objections: "Objections", follow_ups: "What comes next", entities: "Details", compliance_all: "Compliance", tones: "Where the tone turned", suggestions: "Suggestions", talk: "How they talked",
  handling_answered: "answered", handling_partly: "partly answered", handling_ignored: "not answered", answer: "Answer", due: "by {day}",
  missing_phrase: "missing", forbidden_phrase: "forbidden", sensitive_word: "to look at",
  tone_better: "turned for the better", tone_worse: "turned for the worse", tone_positive: "positive", tone_neutral: "neutral", tone_negative: "negative",
  feedback_shown: "shown", feedback_accepted: "accepted", feedback_edited: "used in other words", feedback_dismissed: "dismissed", feedback_none: "no answer", withdrawn: "withdrawn",
  side: "Side", talk_share: "Share", talk_turns: "Turns", talk_wpm: "Words a minute", talk_cpm: "Characters a minute", talk_breaks: "Interruptions", pauses: "longest pause {longest} s; pauses of {dead} s in all; both at once for {overlap} s",
  recording: "Recording", speed: "Speed", audio_looking: "Looking for the recording …", audio_none: "No recording is kept of this call.", audio_gone: "The recording of this call is not there any more. Everything else is.", audio_broken: "The recording cannot be played at the moment.",
  keys_told: "Space plays, ← → go 5 s, < > change the speed. What is masked is silent.", key_play: "Play or pause", key_back: "5 s back", key_on: "5 s on", key_slower: "Slower", key_faster: "Faster",
};

export const zh = {
  colon: "：", loading: "正在读取……", no_call: "这里什么都没有", not_yours: "没有这通电话，或您无权查看。",
  started: "开始时间", duration: "时长", scenario: "场景", language: "语言", agent: "坐席", team: "团队", queue: "队列", campaign: "活动", direction: "方向", customer_id: "客户", lane: "通道", extractor: "分析方式", model: "模型", scenario_version: "场景版本",
  inferred: "推断", observed: "实际", won: "赢单", lost: "丢单", open: "未定", unknown: "未知", said_by: "来源：{who}", live: "进行中", failed: "在 {stage} 失败", more_calls: "其他通话",
  summary: "摘要", transcript: "通话内容", no_words: "没有保存这通电话的文字。", path: "通话过程", no_path: "没有发现步骤。",
  role_agent: "坐席", role_customer: "客户", role_supervisor: "主管", role_unknown: "未知",
  intent: "意图", objection: "异议", follow_up: "后续事项", tone: "情绪", compliance: "合规", entity: "细节",
  play_from: "从 {at} 开始播放", hear: "收听 {at} 处", quote: "{text}（{says}）",
  intents: "意图", objections: "异议", follow_ups: "后续事项", entities: "细节", compliance_all: "合规", tones: "情绪转折", suggestions: "建议", talk: "对话情况",
  handling_answered: "已回应", handling_partly: "部分回应", handling_ignored: "未回应", answer: "回应", due: "截止 {day}",
  missing_phrase: "缺少", forbidden_phrase: "禁用语", sensitive_word: "需关注",
  tone_better: "好转", tone_worse: "变差", tone_positive: "正面", tone_neutral: "中性", tone_negative: "负面",
  feedback_shown: "已显示", feedback_accepted: "已采纳", feedback_edited: "改写后使用", feedback_dismissed: "已忽略", feedback_none: "无反馈", withdrawn: "已撤回",
  side: "说话方", talk_share: "占比", talk_turns: "轮次", talk_wpm: "每分钟词数", talk_cpm: "每分钟字数", talk_breaks: "打断次数", pauses: "最长停顿 {longest} 秒；停顿共 {dead} 秒；同时说话 {overlap} 秒",
  recording: "录音", speed: "速度", audio_looking: "正在查找录音……", audio_none: "这通电话没有保留录音。", audio_gone: "这通电话的录音已不存在，其他内容不受影响。", audio_broken: "目前无法播放录音。",
  keys_told: "空格键播放，← → 跳转 5 秒，< > 调整速度。已脱敏的部分为静音。", key_play: "播放或暂停", key_back: "后退 5 秒", key_on: "前进 5 秒", key_slower: "减速", key_faster: "加速",
};
