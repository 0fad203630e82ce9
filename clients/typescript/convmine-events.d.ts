/**
 * The events of convmine: what its streams send, and what its topics in Kafka hold as JSON.
 *
 * Made by scripts/typescript-types of convmine; do not edit. Instants are text (ISO 8601), times inside a call are
 * milliseconds from its start (`*_ms`). Fields that are not known here may come with a newer convmine: pass them over.
 */

/** What the gateway puts before the fields of an event: its id, which tells a repetition, and when it happened. */
export interface Envelope {
  ce_id: string;
  ce_time: string;
}

/** What a stream can be of, in the parameter `of`, parted by commas. */
export type Of = "suggestions" | "recaps" | "checklists" | "alerts" | "transcript" | "flow";

/** What it is of where nothing is said. */
export type UsualOf = "suggestions" | "recaps" | "checklists" | "alerts";

/** The events that streams have. */
export type StreamEventName =
  | "suggestion.created"
  | "suggestion.withdrawn"
  | "call.recap"
  | "checklist.updated"
  | "call.alert"
  | "transcript.segment"
  | "transcript.gap"
  | "conversation.message"
  | "call.started"
  | "call.updated"
  | "call.held"
  | "call.resumed"
  | "call.ended"
  | "flow.state";

/** The data of one event of a stream; `type` tells which it is. */
export type StreamEvent = { [N in StreamEventName]: { type: N } & Envelope & EventMap[N] }[StreamEventName];

/** What a stream says of itself. After `dropped` and `bye` it ends: come back with the last id. */
export type StreamNotice =
  | { type: "status"; state: "live" | "away" }
  | { type: "gap"; reason: "too_old" | "unreadable"; kept_s?: number }
  | { type: "dropped"; reason: "slow" }
  | { type: "bye"; reason: "restart" | "key"; retry_ms?: number }
  | { type: "position" };

/** The names that a stream of server-sent events has, for `addEventListener`. */
export type StreamName = StreamEvent["type"] | StreamNotice["type"];

/** The data of one name. */
export type StreamData<N extends StreamName> = Extract<StreamEvent | StreamNotice, { type: N }>;

/** One message of a WebSocket; `id` is where to go on from (`last_event_id`). */
export type SocketMessage = {
  [N in StreamName]: { event: N; id?: string; data: StreamData<N> };
}[StreamName];

/** Headers of a record in Kafka (CloudEvents 1.0, binary mode); `ce_type` names the type of its value. */
export interface KafkaHeaders {
  ce_specversion: "1.0";
  ce_id: string;
  ce_source: string;
  /** `io.convmine.` and a name of `EventMap`, then `.v` and its major version. */
  ce_type: string;
  ce_time: string;
  /** The call, where there is one. */
  ce_subject: string;
  ce_partitionkey: string;
  ce_tenantid: string;
  ce_dataschema: string;
  "content-type": string;
  traceparent?: string;
}

/** Every event by its name. */
export interface EventMap {
  "call.alert": CallAlert;
  "call.audio.chunk": CallAudioChunk;
  "call.ended": CallEnded;
  "call.failed": CallFailed;
  "call.held": CallHeld;
  "call.insight": CallInsight;
  "call.outcome": CallOutcome;
  "call.recap": CallRecap;
  "call.recording.available": CallRecordingAvailable;
  "call.resumed": CallResumed;
  "call.started": CallStarted;
  "call.updated": CallUpdated;
  "checklist.updated": ChecklistUpdated;
  "config.card": ConfigCard;
  "config.card.statistics": ConfigCardStatistics;
  "config.prompt": ConfigPrompt;
  "config.running": ConfigRunning;
  "config.scenario": ConfigScenario;
  "conversation.message": ConversationMessage;
  "flow.graph": FlowGraph;
  "flow.path": FlowPath;
  "flow.state": FlowState;
  "intent.extracted": IntentExtracted;
  "privacy.erasure": PrivacyErasure;
  "suggestion.created": SuggestionCreated;
  "suggestion.feedback": SuggestionFeedback;
  "suggestion.withdrawn": SuggestionWithdrawn;
  "transcript.completed": TranscriptCompleted;
  "transcript.gap": TranscriptGap;
  "transcript.segment": TranscriptSegment;
  "webhook.pending": WebhookPending;
}

export type EventName = keyof EventMap;

/** Why somebody should look at a live call. */
export type AlertKind = "forbidden_phrase" | "sensitive_word" | "overdue_phrase";

/**
 * A rule that was broken, or a word that a person should look at, while the call is on: for agent and supervisor.
 *
 * An `overdue_phrase` was not said in its time and has no evidence. `at_ms` is where in the call it was noticed.
 */
export interface CallAlert {
  call_id: string;
  alert_id: string;
  call?: CallFacts;
  kind: AlertKind;
  name: string;
  title: string;
  at_ms: number;
  raised_at: string;
  evidence?: Array<Evidence>;
}

/** The facts of one live chunk; they travel as JSON in the `convmine-chunk` header, the audio is the value. */
export interface CallAudioChunk {
  call_id: string;
  sequence: number;
  offset_ms: number;
  raw: RawFormat;
  channels: Array<Channel>;
}

/** The call is over; no audio follows. */
export interface CallEnded {
  call_id: string;
  duration_ms?: number | null;
  reason?: string | null;
}

/** What is known of a call from outside; carried along by every event, so that no stage needs a join. */
export interface CallFacts {
  scenario?: string | null;
  language?: string | null;
  direction?: Direction | null;
  agent?: string | null;
  team?: string | null;
  queue?: string | null;
  campaign?: string | null;
  customer_id?: string | null;
  consent?: boolean | null;
  started_at?: string | null;
}

/** A failure that a person should see; the bytes that failed are in the stage's dead letters. */
export interface CallFailed {
  call_id: string;
  stage: string;
  reason: string;
  error: string;
  retryable: boolean;
  attempts: number;
  topic: string;
  partition: number;
  offset: number;
}

/** The call was put on hold. */
export interface CallHeld {
  call_id: string;
  at_ms: number;
}

/** All that was mined from one whole conversation. */
export interface CallInsight {
  call_id: string;
  call?: CallFacts;
  revision?: number;
  lane?: Lane;
  language: string;
  duration_ms: number;
  intents: Array<Intent>;
  entities?: Array<Entity>;
  topics?: Array<TopicSpan>;
  sentiments?: Array<SideSentiment>;
  compliance?: Array<ComplianceHit>;
  outcome_inferred?: InferredOutcome | null;
  objections?: Array<Objection>;
  follow_ups?: Array<FollowUp>;
  talk?: TalkFigures | null;
  summary?: string;
  provenance: Provenance;
}

/** The outcome observed by the CRM or the agent; it beats what a model inferred and is never mixed with it. */
export interface CallOutcome {
  call_id: string;
  name: string;
  result: OutcomeResult;
  observed_at: string;
  observed_by: string;
}

/**
 * For the agent, at the start of a call: the newest earlier calls of the same customer, newest first.
 *
 * `calls` is how many there are in all.
 */
export interface CallRecap {
  call_id: string;
  call?: CallFacts;
  customer_id: string;
  calls: number;
  earlier?: Array<EarlierCall>;
  promises?: Array<OpenPromise>;
  objections?: Array<EarlierObjection>;
  facts?: Array<CustomerFact>;
}

/**
 * A finished recording lies at `dataref`; the bytes stay out of Kafka.
 *
 * With `split` it holds many conversations, cut at long silences or at `markers_ms`: each becomes an event like
 * this one with a call id of its own, `part_of` this call, and only its `extent` of the recording.
 */
export interface CallRecordingAvailable {
  call_id: string;
  call?: CallFacts;
  revision?: number;
  dataref: string;
  sha256?: string | null;
  raw?: RawFormat | null;
  channels?: Array<Channel>;
  split?: Split | null;
  markers_ms?: Array<number>;
  extent?: Extent | null;
  part_of?: string | null;
}

/** The call came back from hold. */
export interface CallResumed {
  call_id: string;
  at_ms: number;
}

/** A conversation has begun. */
export interface CallStarted {
  call_id: string;
  call?: CallFacts;
  channels?: Array<Channel>;
}

/** Facts of a call became known later; fields that are set replace the earlier ones. */
export interface CallUpdated {
  call_id: string;
  call: CallFacts;
}

/** Whether a card is still written, may be shown, or is shown no more. */
export type CardStatus = "draft" | "approved" | "withdrawn";

/** A version of a card that was shown before, who wrote it and who approved it. */
export interface CardVersion {
  card_version: number;
  written_by: string;
  approved_by: string;
  approved_at: string;
  reason?: string | null;
  content: Record<string, unknown>;
}

/** One audio channel and who is on it; no order is assumed. */
export interface Channel {
  index: number;
  role: Role;
  party?: string | null;
}

/**
 * How a channel of a recording was: `dead` never had a signal, `duplicate` has the same talk as `same_as`.
 *
 * Neither is transcribed. `spoken_ms` is how long somebody spoke.
 */
export interface ChannelHealth {
  channel: number;
  state: "ok" | "dead" | "duplicate";
  same_as?: number | null;
  spoken_ms?: number;
}

/**
 * A phrase that one side must say, by when (ms of the call, where there is a time), and where it was said.
 *
 * One with `when_outcome` is only asked for where the call ends so. Of a phrase that was cut in two `said` is the
 * later part.
 */
export interface ChecklistItem {
  name: string;
  title: string;
  role: Role;
  due_ms?: number | null;
  when_outcome?: string | null;
  said?: Evidence | null;
}

/** The whole checklist of a live call, each time that something of it changed. */
export interface ChecklistUpdated {
  call_id: string;
  call?: CallFacts;
  at_ms: number;
  items: Array<ChecklistItem>;
}

/** A required phrase that is missing (no evidence), or a word that should be looked at (with evidence). */
export interface ComplianceHit {
  kind: ComplianceKind;
  name: string;
  evidence?: Array<Evidence>;
}

/** Which rule of the scenario's word lists was met or broken. */
export type ComplianceKind = "missing_phrase" | "forbidden_phrase" | "sensitive_word";

/**
 * A playbook card by itself: it stands in the place of the scenario's card of the same id, or beside its cards.
 *
 * `content` is checked by the scenario's own schema of a card when published and when picked up. Only an approved
 * card is shown; one that is withdrawn takes the scenario's own of that id with it. A draft has a record of its own
 * beside it (its key ends in `:draft`), so that what is approved stays shown while it is written; its content names
 * nobody in `approved_by`. The number grows with every change. `earlier` are those that were shown, newest first.
 */
export interface ConfigCard {
  scenario: string;
  language: string;
  card_id: string;
  card_version: number;
  status: CardStatus;
  published_by: string;
  published_at: string;
  written_by: string;
  approved_by?: string | null;
  reason?: string | null;
  content: Record<string, unknown>;
  earlier?: Array<CardVersion>;
}

/**
 * What became of a card's suggestions, counted anew each time; of calls whose outcome was observed, how they ended.
 *
 * `shown` are suggestions of which it is known that an agent saw them.
 */
export interface ConfigCardStatistics {
  scenario: string;
  language: string;
  card_id: string;
  shown: number;
  accepted: number;
  edited: number;
  dismissed: number;
  won?: number;
  lost?: number;
  counted_at: string;
}

/**
 * The prompt version that a scenario and language run with; `body` is its whole file.
 *
 * `earlier` are those that ran before, newest first, so that a roll-back needs nothing but this record.
 */
export interface ConfigPrompt {
  scenario: string;
  language: string;
  prompt: string;
  prompt_version: number;
  published_by: string;
  published_at: string;
  reason?: string | null;
  body: string;
  challenger?: PromptChallenger | null;
  earlier?: Array<PromptVersion>;
}

/**
 * What one worker process runs; said again at every change, and every so often while it lives.
 *
 * `scenarios` are versions by scenario, of the tenant of the event; `cards` those of the cards that were published
 * by themselves, by `scenario:language:card`.
 */
export interface ConfigRunning {
  worker: string;
  stages: Array<string>;
  started_at: string;
  seen_at: string;
  scenarios?: Record<string, number>;
  prompts?: Array<RunningPrompt>;
  refused?: Array<RefusedConfig>;
  cards?: Record<string, number>;
}

/** One version of a scenario; `content` is checked by the scenario's own schema when pushed and when picked up. */
export interface ConfigScenario {
  scenario: string;
  scenario_version: number;
  published_by: string;
  published_at: string;
  content: Record<string, unknown>;
}

/** One message of a text conversation while it goes on. */
export interface ConversationMessage {
  call_id: string;
  call?: CallFacts;
  message_id: string;
  role: Role;
  sent_at: string;
  text: string;
}

/** A line of what the CRM says of a customer, as it is shown. */
export interface CustomerFact {
  name: string;
  value: string;
}

/** Who called whom. */
export type Direction = "inbound" | "outbound";

/** One earlier call of the same customer; `observed` tells an outcome that was seen from one inferred. */
export interface EarlierCall {
  call_id: string;
  started_at?: string | null;
  agent?: string | null;
  outcome?: string | null;
  result?: OutcomeResult | null;
  observed?: boolean;
  summary?: string;
  topics?: Array<string>;
}

/** What the customer held against an offer, in an earlier call, and whether it was answered then. */
export interface EarlierObjection {
  call_id: string;
  topic?: string | null;
  quote: string;
  answered: boolean;
}

/** How the samples of headerless audio are written. */
export type Encoding = "L16" | "PCMU" | "PCMA";

/**
 * A slot with the words it was said in.
 *
 * `value` is its one spelling, for people: numbers as digits, lower case, the scenario's own name of a product. For
 * programs there are `amount` with its `unit` (an ISO 4217 code, `%`, `GB`, `MB`, or `hour` to `year`)
 * and `day`, where it says so much.
 */
export interface Entity {
  entity_id: string;
  name: string;
  value: string;
  amount?: number | null;
  unit?: string | null;
  day?: string | null;
  role: Role;
  evidence: Array<Evidence>;
}

/** The words that something stands on; `quote` really stands in the segment. */
export interface Evidence {
  segment_id: string;
  role: Role;
  start_ms: number;
  end_ms: number;
  quote: string;
}

/** A part of a recording, in ms from its start; the end is not part of it. */
export interface Extent {
  start_ms: number;
  end_ms: number;
}

/** Who did the mining; a result of the fall-back is always labelled as such. */
export type Extractor = "lexical" | "llm";

/** What became of a suggestion on the agent's screen. */
export type FeedbackKind = "shown" | "accepted" | "edited" | "dismissed";

/**
 * How often one step followed another, and how the calls ended in which it did; an edge to itself is a loop.
 *
 * `weight` is the count with older calls counting less; see `FlowGraph`.
 */
export interface FlowEdge {
  source: string;
  target: string;
  count: number;
  total_ms: number;
  won?: number;
  lost?: number;
  weight?: number;
}

/**
 * The graph of one tenant and scenario as one partition of `flow.paths` has seen it.
 *
 * `applied_offset` is the last offset folded in, so that a redelivered path is not counted twice; `recent_calls`
 * are digests of the calls folded in last, so that a path published twice is not counted twice. Readers add the
 * partitions up. The record's key is `tenant:scenario:partition`; it has no call, so it is no event of one.
 *
 * Weights are counts of which a call's part halves every `half_life_days`, as they stand at `as_of`, the latest
 * time of a path. `contexts` say what followed the last one to three steps, the heaviest of them; `earlier` what
 * came next in calls in which a step had come at any time before. `sample` are the steps of the paths folded in
 * last, as places in `nodes`.
 *
 * A record with a `period` is a version: the graph as it was at the end of the period that began then and was
 * `period_s` seconds long. Its key has one part more, the number of the period modulo 32: later ones take its place.
 */
export interface FlowGraph {
  tenant_id: string;
  scenario: string;
  partition: number;
  applied_offset: number;
  paths: number;
  nodes: Array<FlowNode>;
  edges: Array<FlowEdge>;
  recent_calls?: Array<string>;
  half_life_days?: number | null;
  as_of?: string | null;
  contexts?: Array<Followed>;
  earlier?: Array<Followed>;
  sample?: Array<Array<number>>;
  period?: string | null;
  period_s?: number | null;
}

/**
 * A step's label in the graph: how many calls passed it and how those ended.
 *
 * `repeated` of the calls came back to it. `later` are the steps, ends of calls among them, that were taken after
 * it had come for the first time in their call.
 */
export interface FlowNode {
  label: string;
  count: number;
  calls: number;
  won?: number;
  lost?: number;
  repeated?: number;
  later?: number;
}

/** A finished path, ready to be folded into the graph. */
export interface FlowPath {
  call_id: string;
  scenario: string;
  revision?: number;
  steps: Array<Step>;
  duration_ms: number;
  outcome?: string | null;
  result?: OutcomeResult | null;
}

/**
 * Where the conversation is and how it came there.
 *
 * It carries along what led to it, for the suggest stage: the insight of a whole call, or the newest words of one that
 * goes on, what was found in them, and what earlier calls did from there.
 */
export interface FlowState {
  call_id: string;
  call?: CallFacts;
  revision?: number;
  lane: Lane;
  path: Array<Step>;
  insight?: CallInsight | null;
  heard?: IntentExtracted | null;
  guidance?: Guidance | null;
}

/** What the side `role` is going to do; `due` is worked out from `due_said` and the day of the call. */
export interface FollowUp {
  follow_up_id: string;
  kind: FollowUpKind;
  role: Role;
  what: string;
  due?: string | null;
  due_said?: string | null;
  evidence: Array<Evidence>;
}

/** Whether one side gave its word, or both know what comes next. */
export type FollowUpKind = "promise" | "next_step";

/**
 * What came next after some steps, decayed: one entry of each list for each step that did.
 *
 * `steps` and `next` are places in the list of the graph's nodes, from 0, `steps` oldest first. `won` and
 * `lost` are the parts of the weights that come from calls that were won and lost.
 */
export interface Followed {
  steps: Array<number>;
  next: Array<number>;
  weight: Array<number>;
  won: Array<number>;
  lost: Array<number>;
}

/**
 * What earlier calls did that had come the same way: what was seen, which is not what causes what.
 *
 * `next` are the most probable steps, best first, the end of the call (`(end)`) among them; their probabilities
 * need not add up to 1. `context` are the last steps that the counts stand on, oldest first, and `seen` is how
 * often they were met. Weights decay over time, so that counts are no whole numbers. `graph` names the version.
 */
export interface Guidance {
  next: Array<NextStep>;
  odds?: Odds | null;
  context?: Array<string>;
  seen?: number;
  graph?: string | null;
}

/** What became of an objection. */
export type Handling = "answered" | "partly" | "ignored";

/**
 * What became of a recording's audio, in ms over all channels.
 *
 * `cut_ms` is speech whose words were taken for phantoms, by reason in `cuts`; `masked_ms` is what was masked.
 */
export interface Hearing {
  heard_ms: number;
  spoken_ms: number;
  cut_ms?: number;
  masked_ms?: number;
  cuts?: Record<string, number>;
}

/** How the call seems to have ended; never counted together with an observed `call.outcome`. */
export interface InferredOutcome {
  name: string;
  result: OutcomeResult;
  reason: string;
  evidence?: Array<Evidence>;
}

/** One intent of the scenario's taxonomy, said once by one side. */
export interface Intent {
  intent_id: string;
  name: string;
  role: Role;
  topic?: string | null;
  sentiment?: Sentiment;
  confidence: number;
  evidence: Array<Evidence>;
}

/** The live delta: what was found in these segments, the newest ones; it replaces what was found in them before. */
export interface IntentExtracted {
  call_id: string;
  call?: CallFacts;
  revision?: number;
  language: string;
  segments: Array<Segment>;
  intents: Array<Intent>;
  entities?: Array<Entity>;
  provenance: Provenance;
}

/** The two ways through every stage: a backlog of recordings never stands in front of a live call. */
export type Lane = "live" | "batch";

/** When something personal was said, in ms of the call, and what it was (`card`); playback is silent there. */
export interface MaskedSpan {
  kind: string;
  start_ms: number;
  end_ms: number;
}

/** Whether times are those of speech, or of messages that take none. */
export type Medium = "speech" | "text";

/** What may come next: how probable, how often it was seen to follow, and how the calls ended in which it did. */
export interface NextStep {
  label: string;
  probability: number;
  seen: number;
  odds?: Odds | null;
}

/** What the customer held against what is offered, and the agent's answer to it, where there was one. */
export interface Objection {
  objection_id: string;
  role: Role;
  topic?: string | null;
  handling: Handling;
  evidence: Array<Evidence>;
  answer?: Array<Evidence>;
}

/** How decided calls ended: the share of them that was won, smoothed, and how many it was seen in. */
export interface Odds {
  won: number;
  calls: number;
}

/** What one side said that it would do, in an earlier call. */
export interface OpenPromise {
  call_id: string;
  role: Role;
  what: string;
  due?: string | null;
}

/** What an outcome means for the business. */
export type OutcomeResult = "won" | "lost" | "open";

/** A piece of the knowledge base that backs a suggestion. */
export interface Passage {
  passage_id: string;
  source: string;
  title: string;
  text: string;
}

/** Forget a call, or all calls of a customer; every stage, cache and replay obeys. */
export interface PrivacyErasure {
  erasure_id: string;
  call_id?: string | null;
  customer_id?: string | null;
  requested_by: string;
  requested_at: string;
}

/** Another version that a share of the calls is mined with, to compare the two; which calls, their ids decide. */
export interface PromptChallenger {
  prompt_version: number;
  body: string;
  share: number;
}

/**
 * A prompt that once ran: its whole file, who published it and when.
 *
 * A roll-back does not go to a version that was `rolled_back` itself, unless that one is named.
 */
export interface PromptVersion {
  prompt_version: number;
  body: string;
  published_by: string;
  published_at: string;
  reason?: string | null;
  rolled_back?: boolean;
}

/**
 * What a result was made with, so that it can be explained and made again, and what it cost.
 *
 * `fallback_because` says why it was not the extractor that is set; `chunks` is in how many pieces a long call was
 * read; `cost_usd` is there where the prices of the model are known.
 */
export interface Provenance {
  extractor: Extractor;
  model: string;
  scenario: string;
  scenario_version: number;
  prompt_version?: string | null;
  reasks?: number;
  dropped_ungrounded?: number;
  input_tokens?: number;
  output_tokens?: number;
  fallback_because?: string | null;
  chunks?: number;
  cost_usd?: number | null;
}

/** What a container would have said: needed for audio without a header, refused for audio with one. */
export interface RawFormat {
  encoding: Encoding;
  sample_rate_hz: number;
  channels: number;
}

/** What a worker did not take up, and why; it goes on with the last good one. */
export interface RefusedConfig {
  what: string;
  reason: string;
}

/** Who speaks on a channel. */
export type Role = "agent" | "customer" | "supervisor" | "unknown";

/** The version of a prompt that a worker runs, and the one that it runs beside it. */
export interface RunningPrompt {
  scenario: string;
  language: string;
  prompt: string;
  prompt_version: number;
  challenger_version?: number | null;
}

/**
 * What one channel said without a pause; a message of a chat is a segment, too.
 *
 * `words` are there where the engine tells when each was said. `masked` says which time of it nobody may hear.
 */
export interface Segment {
  segment_id: string;
  channel?: number;
  role: Role;
  start_ms: number;
  end_ms: number;
  text: string;
  confidence?: number | null;
  words?: Array<Word>;
  masked?: Array<MaskedSpan>;
}

/** The tone of an utterance or of one side of a call. */
export type Sentiment = "negative" | "neutral" | "positive";

/** The tone of one side over the whole conversation, and where it turned, if it did. */
export interface SideSentiment {
  role: Role;
  sentiment: Sentiment;
  score: number;
  turn?: ToneTurn | null;
}

/**
 * How one side talked; what only speech has is None of written messages, and the other way round.
 *
 * `turns` are stretches of talk without one of another side between. `share` is of all that the sides spoke, of
 * messages of all their `units`. `longest_ms` is the longest stretch without a word of another side,
 * `interruptions` how often it began while another spoke on. `response_ms` is how long others usually waited for
 * an answer (the median), `longest_response_ms` how long at most.
 */
export interface SideTalk {
  role: Role;
  turns: number;
  units: number;
  share: number;
  spoken_ms?: number | null;
  longest_ms?: number | null;
  units_per_minute?: number | null;
  interruptions?: number | null;
  response_ms?: number | null;
  longest_response_ms?: number | null;
}

/** What is counted of a text: words, or characters where there are no spaces between words. */
export type SpeechUnit = "words" | "characters";

/** How one recording becomes several conversations, as that of a badge or a shift. */
export type Split = "silence" | "markers";

/** One step of a path: an intent of the customer or an act of the agent. */
export interface Step {
  label: string;
  role: Role;
  topic?: string | null;
  at_ms: number;
}

/**
 * Advice that fits this moment of this call; it goes to the agent and never to the customer.
 *
 * `card_id` of a passage is `kb:` and its id, and `approved_by` who brought it into the knowledge base.
 * `phrased_by` is the model that worded `text`, where it is not the card's own wording; `explored` says that it
 * was chosen to learn how it does, and not because it does best. `scenario` and `language` are those of the
 * playbook that it comes from, by which cards are counted; what is known of the call may name others, or none.
 */
export interface SuggestionCreated {
  call_id: string;
  suggestion_id: string;
  call?: CallFacts;
  revision?: number;
  lane: Lane;
  card_id: string;
  title: string;
  text: string;
  reason: string;
  priority: number;
  approved_by: string;
  at_ms: number;
  created_at: string;
  expires_at: string;
  evidence?: Array<Evidence>;
  passages?: Array<Passage>;
  kind?: SuggestionKind;
  phrased_by?: string | null;
  explored?: boolean;
  scenario?: string | null;
  language?: string | null;
}

/** What the agent did with a suggestion. */
export interface SuggestionFeedback {
  call_id: string;
  suggestion_id: string;
  card_id: string;
  agent: string;
  kind: FeedbackKind;
  at: string;
  text?: string | null;
}

/** Whether it is a playbook card, or a passage of the knowledge base that answers a question. */
export type SuggestionKind = "card" | "knowledge";

/** The conversation has overtaken a suggestion. */
export interface SuggestionWithdrawn {
  call_id: string;
  suggestion_id: string;
  reason: string;
}

/**
 * How the talk went, by times and lengths alone.
 *
 * `overlap_ms` is when several sides spoke at once. `dead_air_ms` is the sum of all pauses, between first and last
 * word, that are long enough to be felt; `longest_pause_ms` is the longest of all. Both are None of messages.
 */
export interface TalkFigures {
  medium: Medium;
  unit: SpeechUnit;
  sides: Array<SideTalk>;
  overlap_ms?: number | null;
  dead_air_ms?: number | null;
  longest_pause_ms?: number | null;
}

/** Which way a tone went. */
export type ToneChange = "better" | "worse";

/** Where the tone of a side turned: clearly the one before, clearly the other from `at_ms` on. */
export interface ToneTurn {
  change: ToneChange;
  at_ms: number;
  evidence: Array<Evidence>;
}

/** A stretch of the conversation about one topic. */
export interface TopicSpan {
  topic: string;
  start_ms: number;
  end_ms: number;
}

/** The whole conversation, in order of start; `empty_because` says why there is no segment. */
export interface TranscriptCompleted {
  call_id: string;
  call?: CallFacts;
  revision?: number;
  lane?: Lane;
  language?: string | null;
  duration_ms: number;
  engine: string;
  segments: Array<Segment>;
  empty_because?: string | null;
  channel_health?: Array<ChannelHealth>;
  hearing?: Hearing | null;
}

/** Audio that never came: what was said between these times is not known. */
export interface TranscriptGap {
  call_id: string;
  channel: number;
  start_ms: number;
  end_ms: number;
}

/** One segment of a live call; a higher `revision` of the same segment replaces the lower. */
export interface TranscriptSegment {
  call_id: string;
  call?: CallFacts;
  segment: Segment;
  final: boolean;
  revision?: number;
}

/**
 * An event that one receiver still has to get, as it is sent; the key is the receiver's, so that each has a queue.
 *
 * `webhook_id` is the same at each attempt, so that a receiver can drop doubles. `body` is the event as JSON
 * (CloudEvents, structured mode), `event` its name.
 */
export interface WebhookPending {
  call_id: string;
  call?: CallFacts;
  receiver: string;
  webhook_id: string;
  event: string;
  body: string;
  since: string;
}

/** One word of a segment and when it was said, in ms of the call; where it was masked it is the placeholder. */
export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
}
