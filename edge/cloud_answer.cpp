#include "edge/cloud_answer.hpp"

#include <algorithm>

#include "edge/checked_field.hpp"

namespace regent {

namespace {
constexpr std::size_t words_most = 300;

std::string string_at(const rapidjson::Value& value, const char* key) {
  if (!value.IsObject()) return {};
  const auto found = value.FindMember(key);
  if (found == value.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), std::min<std::size_t>(found->value.GetStringLength(), words_most)};
}

/// On one line whatever it holds, and valid UTF-8.
std::string line_of(std::string_view text) {
  auto quoted = json_quote(text.substr(0, words_most));
  return quoted.substr(1, quoted.size() - 2);
}

void add(std::string& out, const std::string& word, std::string_view between) {
  if (word.empty() || out.size() >= words_most) return;
  if (!out.empty()) out += between;
  out += line_of(word);
}

std::string words_of(const rapidjson::Value& refusal) {
  std::string out = line_of(string_at(refusal, "error_code"));
  add(out, string_at(refusal, "detail"), ": ");
  return out;
}
}  // namespace

std::string refusal_words(std::string_view body) {
  const auto document = parse_json(body);
  if (!document || !(*document)->IsObject()) return body.empty() ? "an empty body" : excerpt(body);
  const auto errors = (*document)->FindMember("errors");
  if (errors == (*document)->MemberEnd() || !errors->value.IsObject()) {
    auto out = words_of(**document);
    return out.empty() ? excerpt(body) : out;
  }
  std::string out;
  for (const auto& field : errors->value.GetObject())
    add(out, std::string(field.name.GetString(), field.name.GetStringLength()) + ": " + words_of(field.value), "; ");
  return out.empty() ? words_of(**document) : out;
}

bool is_api_refusal(std::string_view body) {
  const auto document = parse_json(body);
  return document && (!string_at(**document, "error_code").empty() || !string_at(**document, "detail").empty());
}

error answer_error(std::string_view what, const http_reply& answer) {
  const auto make = [&](error_kind kind, std::string code, std::string_view more) {
    return error{kind, std::move(code), fmt::format("{} answered {}: {}", what, answer.status, more)};
  };
  const auto status = answer.status;
  if (status >= 300 && status < 400)
    return make(error_kind::permanent, "cloud_redirected",
                fmt::format("to {}; redirects are not followed, an address must end with '/' and have the right scheme",
                            excerpt(answer.location)));
  if (status == 404 && is_api_refusal(answer.body))
    return make(error_kind::permanent, "cloud_not_found", refusal_words(answer.body));
  if (status == 400 || status == 403 || status == 409 || status == 422)
    return make(error_kind::permanent, "cloud_refused", refusal_words(answer.body));
  if (status == 429) return make(error_kind::transient, "cloud_throttled", refusal_words(answer.body));
  if (status >= 200 && status < 300)
    return make(error_kind::transient, "cloud_malformed",
                fmt::format("not what such a call answers: {}", excerpt(answer.body)));
  const bool passing = status >= 500 || status < 200 || status == 404 || status == 408 || status == 425;
  return make(passing ? error_kind::transient : error_kind::permanent, fmt::format("cloud_http_{}", status),
              refusal_words(answer.body));
}

std::string without_secret(std::string text, std::string_view secret) {
  if (secret.empty()) return text;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
  return text;
}

}  // namespace regent
