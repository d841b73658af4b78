#include "edge/route_request.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace regent {

namespace {
failure bad(const std::string& key, const std::string& value, std::string_view wanted) {
  return fail(error_kind::permanent, "bad_query", "{}={} is not {}", key, value.substr(0, 100), wanted);
}
}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [at, failed] = std::from_chars(text.data(), end, value);
  if (text.empty() || failed != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::string route_request::text(const std::string& key) const {
  const auto found = parameters.find(key);
  return found == parameters.end() ? std::string() : found->second;
}

result<std::uint64_t> route_request::number(const std::string& key, std::uint64_t otherwise) const {
  const auto given = text(key);
  if (given.empty()) return otherwise;
  const auto value = parse_number(given);
  if (!value) return bad(key, given, "a whole number from 0");
  return *value;
}

result<std::size_t> route_request::limit() const {
  const auto value = number("limit", limits::page_rows_default);
  if (!value || *value < 1 || *value > limits::page_rows_most)
    return bad("limit", text("limit"), fmt::format("a number from 1 to {}", limits::page_rows_most));
  return static_cast<std::size_t>(*value);
}

result<std::optional<bool>> route_request::flag(const std::string& key) const {
  const auto given = text(key);
  if (given.empty()) return std::optional<bool>{};
  if (given != "true" && given != "false") return bad(key, given, "true or false");
  return std::optional<bool>(given == "true");
}

result<std::string> route_request::one_of(const std::string& key, const std::vector<std::string_view>& allowed) const {
  auto given = text(key);
  if (!given.empty() && std::find(allowed.begin(), allowed.end(), given) == allowed.end())
    return bad(key, given, fmt::format("one of {}", fmt::join(allowed, ", ")));
  return given;
}

result<topic_filter> route_request::topics() const {
  auto wanted = topic_filter::parse(text("topic"));
  if (!wanted) return fail(error_kind::permanent, "bad_query", "topic={}", wanted.error().message);
  return wanted;
}

result<resource_id> route_request::resource(const std::string& key) const {
  const auto given = text(key);
  if (given.empty()) return resource_id{};
  auto id = resource_id::parse(given);
  if (!id) return bad(key, given, "a resource such as virtual_router/3");
  return *std::move(id);
}

}  // namespace regent
