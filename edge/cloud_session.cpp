#include "edge/cloud_session.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>

#include "base/log.hpp"
#include "edge/checked_field.hpp"
#include "edge/cloud_answer.hpp"

namespace regent {

namespace {
constexpr std::size_t token_bytes_most = 8192;
constexpr std::size_t phantoms_most = 100'000;
constexpr int throttles_most = 5;  ///< 429s in one call
constexpr milliseconds renew_again_after = std::chrono::minutes(1);

/// A token goes into a header: nothing that could end it.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= token_bytes_most && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
  });
}

result<std::string> secret(const secret_reference& reference) {
  if (reference.from == secret_reference::source::none) return std::string();
  auto value = read_secret(reference);
  // It is read again at the next try: whoever repairs the file need not restart us.
  if (!value) return failure(error{error_kind::transient, value.error().code, value.error().message});
  return value;
}

std::string login_body(const std::string& email, const std::string& password, const std::string& api_key) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.StartObject();
  writer.Key("email");
  writer.String(email);
  writer.Key("password");
  writer.String(password);
  if (!api_key.empty()) {
    writer.Key("api_key");
    writer.String(api_key);
  }
  writer.EndObject();
  return buffer.GetString();
}

/// The token of a login's or renewal's answer.
result<std::string> token_of(const http_reply& answer, const std::string& what) {
  if (answer.status == 400 || answer.status == 401 || answer.status == 403)
    return fail(error_kind::transient, "cloud_login_refused", "{} answered {}: {}", what, answer.status,
                refusal_words(answer.body));
  if (answer.status != 200 && answer.status != 201) {
    auto error = answer_error(what, answer);
    error.kind = error_kind::transient;
    return failure(error);
  }
  // A body that should hold a token is not shown, whatever it is.
  const auto unusable =
      fail(error_kind::transient, "cloud_malformed", "{} answered {} with something that holds no token ({} bytes)",
           what, answer.status, answer.body.size());
  const auto document = parse_json(answer.body);
  if (!document || !(*document)->IsObject()) return unusable;
  field_complaint wrong;
  const auto field = checked_field(**document, wrong)["token"];
  if (field.null())
    return fail(error_kind::transient, "cloud_login_refused", "{} answered {} without a token; is the api_key set?",
                what, answer.status);
  auto text = field.text(token_bytes_most);
  if (wrong || !is_token(text)) return unusable;
  return text;
}
}  // namespace

cloud_session::cloud_session(cloud_config config, const clock& time, session_options options)
    : config_(std::move(config)),
      time_(time),
      options_(std::move(options)),
      rate_(options_.requests_per_second),
      breaker_(options_.breaker, options_.seed),
      login_random_(options_.seed + 1) {
  if (!config_.user) return;
  auto theirs = config_;
  theirs.email = config_.user->email;
  theirs.password = config_.user->password;
  theirs.api_key = config_.user->api_key;
  theirs.user.reset();
  auto others = options_;
  others.seed += 2;
  user_ = std::make_unique<cloud_session>(std::move(theirs), time_, std::move(others));
}

void cloud_session::stop() {
  stop_.request_stop();
  if (user_) user_->stop();
}

milliseconds cloud_session::left(steady_time end) const {
  return std::chrono::ceil<milliseconds>(std::max(end, time_.steady()) - time_.steady());
}

void cloud_session::pause(milliseconds span) {
  if (span <= milliseconds(0)) return;
  if (options_.pause) return options_.pause(span);
  std::unique_lock lock(pause_guard_);
  paused_.wait_for(lock, stop_.get_token(), span, [] { return false; });
}

void cloud_session::note_phantom(const resource_id& id, bool phantom) {
  const std::lock_guard lock(guard_);
  if (!phantom)
    phantoms_.erase(id);
  else if (phantoms_.size() < phantoms_most)
    phantoms_.insert(id);
}

bool cloud_session::is_phantom(const resource_id& id) const {
  const std::lock_guard lock(guard_);
  return phantoms_.contains(id);
}

result<http_reply> cloud_session::call(http_client& line, const cloud_call& what) {
  const auto end = time_.steady() + options_.deadline;
  bool logged_in_again = false;
  for (int throttles = 0;;) {
    const auto with = token(end);
    if (!with) return failure(with.error());
    if (auto slot = wait_for_slot(what, end); !slot) return failure(slot.error());
    auto answer = send(line, what, *with, end);
    if (!answer) return answer;
    if (answer->status == 401) {
      drop(*with);
      if (logged_in_again) {
        const std::lock_guard lock(login_guard_);
        return failure(delay_login({error_kind::transient, "cloud_login_refused",
                                    fmt::format("{} {} answered 401 to a fresh login: {}", what.method, what.path,
                                                without_secret(refusal_words(answer->body), *with))}));
      }
      logged_in_again = true;
      continue;
    }
    login_failures_ = 0;
    if (answer->status != 429) {
      // Whatever is said about this body later, a token that was echoed in it is not.
      answer->body = without_secret(std::move(answer->body), *with);
      return answer;
    }
    const auto asked = held_by(*answer);
    if (++throttles >= throttles_most)
      return fail(error_kind::transient, "cloud_throttled", "{} {} answered 429 {} times, now asking for {}",
                  what.method, what.path, throttles, span_text(asked));
  }
}

milliseconds cloud_session::held_by(const http_reply& throttled) {
  // Seconds; a date (RFC 9110 allows one) or nothing counts as one second.
  int seconds = 1;
  const auto& text = throttled.retry_after;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  const auto asked = std::clamp<milliseconds>(std::chrono::seconds(seconds), std::chrono::milliseconds(100),
                                              options_.retry_after_most);
  const std::lock_guard lock(guard_);
  rate_.hold(time_.steady() + asked);
  return asked;
}

result<void> cloud_session::wait_for_slot(const cloud_call& what, steady_time end) {
  std::optional<milliseconds> wait;
  {
    const std::lock_guard lock(guard_);
    wait = rate_.take(time_.steady(), left(end));
  }
  if (!wait)
    return fail(error_kind::transient, "cloud_throttled",
                "{} {}: the cloud's request rate leaves no room before the deadline", what.method, what.path);
  pause(*wait);
  return {};
}

result<http_reply> cloud_session::send(http_client& line, const cloud_call& what, const std::string& token,
                                       steady_time end) {
  {
    const std::lock_guard lock(guard_);
    if (const auto now = time_.steady(); !breaker_.enter(now))
      return fail(error_kind::transient, "cloud_circuit_open", "{} {} not sent: {}", what.method, what.path,
                  breaker_.text(now));
  }
  const http_request request{what.method,
                             line.address().prefix + what.path + (what.query.empty() ? "" : "?") + what.query,
                             {{"X-Auth-Token", token}},
                             what.body};
  auto answer = line.call(request, left(end), stop_.get_token());

  const std::lock_guard lock(guard_);
  const bool was_open = breaker_.open();
  if (!answer && answer.error().code == "cloud_stopped")
    breaker_.abandoned();
  else if (!answer && answer.error().code != "cloud_too_long")  // then we asked for too much
    breaker_.failed(time_.steady(), answer.error().text());
  else if (answer && answer->status >= 500)
    breaker_.failed(time_.steady(), fmt::format("{} {} answered {}", what.method, what.path, answer->status));
  else
    breaker_.succeeded();
  if (!was_open && breaker_.open()) log::warn("cloud: circuit open: {}", breaker_.text(time_.steady()));
  if (was_open && !breaker_.open()) log::info("cloud: circuit closed, {} {} was answered", what.method, what.path);
  return answer;
}

// Login. Everything below runs with login_guard_ held, except where it takes it.

result<std::string> cloud_session::token(steady_time end) {
  const std::lock_guard lock(login_guard_);
  if (stop_.stop_requested()) return fail(error_kind::transient, "cloud_stopped", "the cloud session is stopped");
  const auto now = time_.steady();
  if (!token_.empty() && now < renew_at_) return token_;
  if (!token_.empty()) {
    const auto renewed = renew(end);
    if (renewed) return renewed;
    const auto again = log_in(end);
    if (again) return again;
    // The old token outlives the time at which we renew it; if it does not, a 401 tells.
    log::warn("cloud: token not renewed ({}), no new login ({}); going on with the old one", renewed.error().text(),
              again.error().text());
    renew_at_ = now + renew_again_after;
    return token_;
  }
  if (now < login_not_before_)
    return failure(
        error{error_kind::transient, login_error_.code,
              fmt::format("{} (next login in {})", login_error_.message, span_text(left(login_not_before_)))});
  auto fresh = log_in(end);
  if (!fresh && fresh.error().code != "cloud_stopped") return failure(delay_login(fresh.error()));
  return fresh;
}

error cloud_session::delay_login(error why) {
  login_error_ = why;
  const auto wait =
      jittered_backoff(login_failures_++, options_.login_wait_first, options_.login_wait_most, login_random_);
  login_not_before_ = time_.steady() + wait;
  return why;
}

result<std::string> cloud_session::log_in(steady_time end) {
  const auto password = secret(config_.password);
  if (!password) return password;
  const auto api_key = secret(config_.api_key);
  if (!api_key) return api_key;
  auto fresh = ask_login({"POST", "", {}, login_body(config_.email, *password, *api_key)}, {*password, *api_key}, end);
  if (fresh) keep(*fresh);
  return fresh;
}

result<std::string> cloud_session::renew(steady_time end) {
  auto fresh = ask_login({"PUT", "", {{"X-Auth-Token", token_}}, ""}, {token_}, end);
  if (fresh) keep(*fresh);
  return fresh;
}

result<std::string> cloud_session::ask_login(http_request request, const std::vector<std::string>& secrets,
                                             steady_time end) {
  if (!login_line_) {
    const auto address = parse_http_address(config_.membership_url.empty() ? config_.url : config_.membership_url);
    if (!address) return failure(error{error_kind::transient, address.error().code, address.error().message});
    login_line_.emplace(*address, config_.ca_file);
  }
  request.target = login_line_->address().prefix + "auth/login/";
  auto answer = login_line_->call(request, left(end), stop_.get_token());
  if (!answer) return failure(answer.error());
  // A refusal may quote what it refuses; masked before its words are cut, and again as they are quoted.
  if (answer->status >= 300)
    for (const auto& hidden : secrets) answer->body = without_secret(std::move(answer->body), hidden);
  auto token =
      token_of(*answer, fmt::format("{} auth/login/ at {}", request.method, login_line_->address().authority()));
  if (!token)
    for (const auto& hidden : secrets) token.error().message = without_secret(token.error().message, hidden);
  return token;
}

void cloud_session::keep(const std::string& fresh_token) {
  token_ = fresh_token;
  renew_at_ = time_.steady() + options_.renew_after;
}

void cloud_session::drop(const std::string& token) {
  const std::lock_guard lock(login_guard_);
  if (token_ == token) token_.clear();
}

}  // namespace regent
