#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "contract/http_text.hpp"
#include "contract/machine.hpp"

namespace faas::inline v0::contract {
namespace {

constexpr std::size_t kSmallDocument = 64 * 1024;
constexpr std::string_view kTypeTrailer = "Lambda-Runtime-Function-Error-Type";
constexpr std::string_view kBodyTrailer = "Lambda-Runtime-Function-Error-Body";

}  // namespace

std::string_view RuntimeApi::Machine::state_name() const {
  switch (state_) {
    case State::started: return "Started";
    case State::init_error: return "InitError";
    case State::ready: return "Ready";
    case State::response_sent: return "RuntimeResponseSentState";
    case State::running: break;
  }
  auto const state = works_.front()->state;
  return state == Work::State::responding ? "InvocationResponse"
         : state == Work::State::erring   ? "InvocationErrorResponse"
                                          : "Running";
}

bool RuntimeApi::Machine::awaited() const {
  return state_ == State::ready && !parked_.empty() && extensions_.all_listeners_parked();
}

bool RuntimeApi::Machine::idle() const {
  return state_ == State::ready && announced_ && works_.empty() && !parked_.empty() &&
         parked_.size() >= workers_;
}

Work* RuntimeApi::Machine::answering(Connection const& c) const {
  for (auto const& work : works_)
    if (work->responder == c.id) return work.get();
  return nullptr;
}

Work* RuntimeApi::Machine::handed_out(std::string_view request_id) const {
  for (auto const& work : works_)
    if (work->state != Work::State::waiting && work->invocation.request_id == request_id)
      return work.get();
  return nullptr;
}

Work* RuntimeApi::Machine::first_waiting() const {
  for (auto const& work : works_)
    if (work->state == Work::State::waiting) return work.get();
  return nullptr;
}

// A head was read

void RuntimeApi::Machine::begin(Connection& c, RequestHead const& head, bool body_waits) {
  c.phase = Phase::body;
  ++c.request;
  c.keep_alive = head.keep_alive;
  c.received = 0;
  c.verdict.reset();
  c.document.clear();
  c.body.start(head.framing, head.content_length);
  auto const called = route(head.method, head.target);
  c.endpoint = called.endpoint;
  if (auto refused = admit(c, head, called)) turn_down(c, std::move(*refused));
  if (c.phase == Phase::gone || !expectation_met(c, head, body_waits)) return;
  if (c.verdict && head.content_length > options_.drain_limit) refuse_and_close(c, *c.verdict);
}

// RFC 9110 10.1.1. A refused request is not drained: its client may never send the body.
bool RuntimeApi::Machine::expectation_met(Connection& c, RequestHead const& head, bool body_waits) {
  auto const expected = head.find("expect");
  if (!expected || head.framing == Framing::none || head.minor_version == 0) return true;
  if (!equals_ignoring_case(*expected, "100-continue")) {
    interrupted(c, "an expectation we cannot meet");
    refuse_and_close(c, replies::refusal(417, "InvalidRequest", "Expect is not 100-continue"));
    return false;
  }
  if (c.verdict) {
    refuse_and_close(c, *c.verdict);
    return false;
  }
  if (!body_waits) events_.send(c.id, "HTTP/1.1 100 Continue\r\n\r\n", {});
  return true;
}

std::optional<Reply> RuntimeApi::Machine::admit(Connection& c, RequestHead const& head,
                                                Route const& called) {
  switch (called.endpoint) {
    case Endpoint::response:
    case Endpoint::error: return admit_answer(c, head, called);
    case Endpoint::init_error: return admit_init_error(c, head);
    case Endpoint::extension_register:
      c.extension = head.find("Lambda-Extension-Name").value_or("");
      return std::nullopt;
    case Endpoint::extension_next:
    case Endpoint::extension_init_error:
    case Endpoint::extension_exit_error: return admit_extension(c, head);
    case Endpoint::snapstart:
      return replies::refusal(404, "NotFound",
                              "SnapStart (restore, credentials) is not offered here");
    case Endpoint::unknown:
      return replies::refusal(404, "NotFound", "No such call in the Runtime API");
    default: return std::nullopt;
  }
}

std::optional<Reply> RuntimeApi::Machine::admit_answer(Connection& c, RequestHead const& head,
                                                       Route const& called) {
  bool const response = called.endpoint == Endpoint::response;
  auto* const work = handed_out(called.request_id);
  auto refused = several()
                     ? refuse_by_id(work, called.request_id)
                     : refuse_by_state(work, called.request_id,
                                       response ? "InvocationResponse" : "InvocationErrorResponse");
  if (refused) return refused;
  work->responder = c.id;
  work->state = response ? Work::State::responding : Work::State::erring;
  c.error_type = known_error_type(head.find(kTypeTrailer).value_or("Function."));
  return response ? admit_response(c, *work, head) : std::nullopt;
}

// Where one invocation runs at a time, the environment's state says what may come.
std::optional<Reply> RuntimeApi::Machine::refuse_by_state(Work const* work, std::string_view id,
                                                          std::string_view target) {
  bool const begun = state_ != State::started && state_ != State::init_error;
  if (work && work->state == Work::State::running) return std::nullopt;
  bool const answered = state_ == State::response_sent && !past_.empty() &&
                        !past_[last_past_].abandoned && past_[last_past_].request_id == id;
  if (begun && !work && !answered) return replies::invalid_request_id();
  return replies::invalid_transition(state_name(), target);
}

std::optional<Reply> RuntimeApi::Machine::refuse_by_id(Work const* work,
                                                       std::string_view id) const {
  if (work && work->state == Work::State::running) return std::nullopt;
  if (work) return replies::response_in_progress();
  auto const past = std::find_if(past_.begin(), past_.end(),
                                 [&](auto const& ended) { return ended.request_id == id; });
  if (past == past_.end()) return replies::invalid_invoke_id();
  return past->abandoned ? replies::invoke_timeout() : replies::response_was_sent();
}

std::optional<Reply> RuntimeApi::Machine::admit_response(Connection& c, Work& work,
                                                         RequestHead const& head) {
  auto const mode = head.find("Lambda-Runtime-Function-Response-Mode");
  if (mode && *mode != "streaming") {
    fail_response(work,
                  platform_failure("Runtime.InvalidResponseModeHeader",
                                   "Lambda-Runtime-Function-Response-Mode is not \"streaming\""));
    return replies::invalid_response_mode();
  }
  if (auto const limit = work.response_limit; head.content_length > limit) {
    fail_response(work, response_too_large(limit));
    return replies::too_large(limit);
  }
  events_.on_response_head(work.invocation.request_id, head.find("Content-Type").value_or(""),
                           mode.has_value());
  return std::exchange(c.verdict, std::nullopt);  // set if the event abandoned the invocation
}

std::optional<Reply> RuntimeApi::Machine::admit_init_error(Connection& c, RequestHead const& head) {
  if (state_ != State::started) return replies::invalid_transition(state_name(), "InitError");
  state_ = State::init_error;
  init_reporter_ = c.id;
  c.error_type = known_error_type(head.find(kTypeTrailer).value_or(""));
  return std::nullopt;
}

std::optional<Reply> RuntimeApi::Machine::admit_extension(Connection& c, RequestHead const& head) {
  Reply refused;
  auto const* extension = extensions_.identify(head.find("Lambda-Extension-Identifier"), refused);
  if (!extension) return refused;
  c.extension = extension->name;
  if (c.endpoint == Endpoint::extension_next) return std::nullopt;
  auto const type = head.find("Lambda-Extension-Function-Error-Type");
  if (!type || type->empty())
    return replies::refusal(403, "Extension.MissingHeader",
                            "Missing Lambda-Extension-Function-Error-Type header");
  bool const init = c.endpoint == Endpoint::extension_init_error;
  c.error_type =
      known_extension_error_type(*type, init ? "Extension.InitError" : "Extension.ExitError");
  return std::nullopt;
}

// A body arrives

void RuntimeApi::Machine::take(Connection& c, std::string_view data) {
  if (c.verdict) {
    c.received += data.size();
  } else {
    auto const limit = body_limit(c);
    auto const room = limit - static_cast<std::size_t>(c.received);
    accept(c, data.substr(0, room));
    if (c.verdict || data.size() <= room) return;
    turn_down(c, replies::too_large(limit));
    c.received = data.size() - room;
    fail_answer(c, response_too_large(limit));
  }
  if (c.received > options_.drain_limit) refuse_and_close(c, *c.verdict);
}

std::size_t RuntimeApi::Machine::body_limit(Connection const& c) const {
  if (c.endpoint == Endpoint::response) return answering(c)->response_limit;
  return c.endpoint == Endpoint::error || c.endpoint == Endpoint::init_error ? kPayloadLimit
                                                                             : kSmallDocument;
}

void RuntimeApi::Machine::accept(Connection& c, std::string_view data) {
  if (data.empty()) return;
  c.received += data.size();
  if (c.endpoint != Endpoint::response) {
    c.document.append(data);
    return;
  }
  bool const room = events_.on_response_chunk(answering(c)->invocation.request_id, data);
  // Abandoned from inside the event: nobody would resume it.
  if (!c.verdict) c.paused = !room;
}

void RuntimeApi::Machine::turn_down(Connection& c, Reply verdict) {
  c.verdict = std::move(verdict);
  c.received = 0;
  c.paused = false;
  c.document = {};
}

void RuntimeApi::Machine::interrupted(Connection& c, std::string_view why) {
  fail_answer(c, platform_failure("Runtime.TruncatedResponse",
                                  "The runtime's answer was cut short: " + std::string(why)));
}

// Of what the connection was sending, if it is an answer.
void RuntimeApi::Machine::fail_answer(Connection const& c, FunctionFailure failure) {
  if (auto* work = answering(c)) return fail_response(*work, std::move(failure));
  if (init_reporter_ != c.id) return;
  init_reporter_.reset();
  events_.on_init_error(std::move(failure));
}

// A request is complete

void RuntimeApi::Machine::finish(Connection& c) {
  c.phase = Phase::head;
  if (c.verdict) return reply(c, *c.verdict);
  switch (c.endpoint) {
    case Endpoint::next: return park(c);
    case Endpoint::response: return finish_response(c);
    case Endpoint::error: return finish_error(c);
    case Endpoint::init_error: return finish_init_error(c);
    case Endpoint::ping: return reply(c, {200, "pong"}, "text/plain");
    case Endpoint::extension_register: return reply(c, enroll(c));
    case Endpoint::extension_next: return park_extension(c);
    case Endpoint::extension_init_error:
    case Endpoint::extension_exit_error: return finish_extension_error(c);
    case Endpoint::telemetry:
      return reply(
          c, replies::refusal(202, "Telemetry.NotSupported", "Telemetry API is not supported"));
    case Endpoint::logs:
      return reply(c, replies::refusal(202, "Logs.NotSupported", "Logs API is not supported"));
    case Endpoint::snapstart:
    case Endpoint::unknown: break;  // refused at the head
  }
}

// What is returned lives as long as the call under way.
Invocation const& RuntimeApi::Machine::end(Work& work) {
  auto const found =
      std::find_if(works_.begin(), works_.end(), [&](auto& w) { return w.get() == &work; });
  ended_.push_back(std::move(*found));
  works_.erase(found);
  if (work.state == Work::State::waiting) return work.invocation;
  work.responder.reset();
  if (past_.size() < options_.capacity) past_.emplace_back();
  last_past_ = (last_past_ + 1) % past_.size();
  past_[last_past_].request_id = work.invocation.request_id;
  past_[last_past_].abandoned = false;
  if (!several()) state_ = State::response_sent;
  return work.invocation;
}

void RuntimeApi::Machine::fail_response(Work& work, FunctionFailure failure) {
  events_.on_response_failed(end(work).request_id, std::move(failure));
  settle();
}

void RuntimeApi::Machine::finish_response(Connection& c) {
  std::optional<FunctionFailure> failure;
  auto const type = c.body.trailer(kTypeTrailer);
  auto const body = c.body.trailer(kBodyTrailer);
  if (!type.empty() || !body.empty())
    failure = {known_error_type(type.empty() ? "Function." : type),
               from_base64(body).value_or(std::string())};
  auto const& ended = end(*answering(c));
  ++moves_;
  reply(c, replies::accepted());
  events_.on_response_end(ended.request_id, std::move(failure));
  settle();
}

void RuntimeApi::Machine::finish_error(Connection& c) {
  FunctionFailure failure{std::move(c.error_type), std::exchange(c.document, {})};
  auto const& ended = end(*answering(c));
  ++moves_;
  reply(c, replies::accepted());
  events_.on_invocation_error(ended.request_id, std::move(failure));
  settle();
}

void RuntimeApi::Machine::finish_init_error(Connection& c) {
  FunctionFailure failure{std::move(c.error_type), std::exchange(c.document, {})};
  init_reporter_.reset();
  reply(c, replies::accepted());
  events_.on_init_error(std::move(failure));
}

// Extensions

Reply RuntimeApi::Machine::enroll(Connection& c) {
  auto metadata = "{\"functionName\":" + json_quote(options_.function_name) +
                  ",\"functionVersion\":" + json_quote(options_.function_version) +
                  ",\"handler\":" + json_quote(options_.handler);
  if (!options_.account_id.empty()) metadata += ",\"accountId\":" + json_quote(options_.account_id);
  auto answer = extensions_.enroll(c.extension, c.document, metadata + "}");
  if (answer.status == 200) events_.on_extension_registered(c.extension);
  return answer;
}

void RuntimeApi::Machine::finish_extension_error(Connection& c) {
  FunctionFailure failure{std::move(c.error_type), std::exchange(c.document, {})};
  auto const name = c.extension;
  reply(c, replies::accepted());
  events_.on_extension_failed(name, std::move(failure));
}

void RuntimeApi::Machine::park_extension(Connection& c) {
  for (auto& extension : extensions_.all()) {
    if (extension.name != c.extension) continue;
    if (extension.parked)
      return reply(c, replies::refusal(403, "Extension.InvalidExtensionState",
                                       "This extension already waits for its next event"));
    extension.parked = c.id;
  }
  c.phase = Phase::parked;
  settle();
}

// Of `given`, unless an event has put another in its place, which has a hand-out of its own.
void RuntimeApi::Machine::notify_extensions(Work const& given) {
  for (auto& extension : extensions_.all()) {
    bool const current = !works_.empty() && works_.front().get() == &given;
    if (!extension.listens || !extension.parked || !current) continue;
    auto* c = find(*std::exchange(extension.parked, std::nullopt));
    if (!c) continue;
    c->phase = Phase::head;
    ++moves_;
    reply(*c, {200, extension_event(given.invocation), "Lambda-Extension-Event-Identifier",
               given.invocation.request_id});
    run(*c);
  }
}

// Invocations

void RuntimeApi::Machine::park(Connection& c) {
  if (state_ == State::running && works_.front()->state == Work::State::running)
    return send_invocation(c, works_.front()->invocation);
  if (state_ == State::running || state_ == State::init_error)
    return reply(c, replies::invalid_transition(state_name(), "Ready"));
  if (several() && parked_.size() == options_.capacity)
    return reply(c, replies::too_many_idle_runtimes());
  extensions_.close_registration();
  state_ = State::ready;
  c.phase = Phase::parked;
  parked_.push_back(c.id);
  auto const running = std::count_if(works_.begin(), works_.end(), [](auto const& work) {
    return work->state != Work::State::waiting;
  });
  auto const working = parked_.size() + static_cast<std::size_t>(running);
  workers_ = std::min<std::size_t>(options_.capacity, std::max(workers_, working));
  settle();
}

// Says that the runtime waits for work, and hands out what was kept for it.
void RuntimeApi::Machine::settle() {
  if (state_ == State::response_sent && !parked_.empty()) state_ = State::ready;
  while (awaited()) {
    if (!announced_) {
      announced_ = initialized_ = true;
      events_.on_next();
      continue;
    }
    auto* const work = first_waiting();
    if (!work) return;
    hand_out(*work);
  }
}

void RuntimeApi::Machine::hand_out(Work& work) {
  auto* c = find(parked_.back());
  parked_.pop_back();
  work.state = Work::State::running;
  if (!several()) state_ = State::running;
  announced_ = several() && !parked_.empty();
  c->phase = Phase::head;
  ++moves_;
  send_invocation(*c, work.invocation);
  notify_extensions(work);
  run(*c);
}

void RuntimeApi::Machine::send_invocation(Connection& c, Invocation const& invocation) {
  std::string head;
  head.reserve(1024);
  invocation_head(head, invocation, c.keep_alive);
  ++answers_;
  events_.send(c.id, head, invocation.payload);
  if (!c.keep_alive) close(c);
}

void RuntimeApi::Machine::invoke(Invocation invocation, std::size_t response_limit) {
  Scope scope(*this);
  works_.push_back(std::make_unique<Work>(std::move(invocation), response_limit));
  settle();
}

void RuntimeApi::Machine::abandon() {
  Scope scope(*this);
  for (auto left = works_.size(); left > 0 && !works_.empty(); --left) abandon(*works_.front());
}

void RuntimeApi::Machine::abandon(std::string_view request_id) {
  Scope scope(*this);
  auto const found = std::find_if(works_.begin(), works_.end(), [&](auto const& work) {
    return work->invocation.request_id == request_id;
  });
  if (found != works_.end()) abandon(**found);
}

void RuntimeApi::Machine::abandon(Work& work) {
  bool const waits = work.state == Work::State::waiting;
  auto const responder = work.responder;
  end(work);
  if (waits) return;
  past_[last_past_].abandoned = true;
  auto* c = responder ? find(*responder) : nullptr;
  if (c) turn_down(*c, several() ? replies::invoke_timeout() : replies::invalid_request_id());
  if (c) run(*c);
  settle();
}

void RuntimeApi::Machine::resume() {
  Scope scope(*this);
  std::vector<ConnectionId> responders;
  for (auto const& work : works_)
    if (work->responder) responders.push_back(*work->responder);
  for (auto const id : responders) resume(find(id));
}

void RuntimeApi::Machine::resume(std::string_view request_id) {
  Scope scope(*this);
  auto const* work = handed_out(request_id);
  if (work && work->responder) resume(find(*work->responder));
}

void RuntimeApi::Machine::resume(Connection* c) {
  if (!c || !c->paused) return;
  c->paused = false;
  run(*c);
}

}  // namespace faas::inline v0::contract
