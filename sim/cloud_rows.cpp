#include "sim/cloud_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace regent::sim {

namespace {

std::string key_of(std::string_view field, const json::value& value) {
  return fmt::format("{}={}", field, json::serialize(value));
}

}  // namespace

std::optional<kind> parse_kind(std::string_view name) {
  const auto found = std::find_if(kind_table.begin(), kind_table.end(),
                                  [name](const kind_row& one) { return one.name == name || one.plural == name; });
  if (found == kind_table.end()) return std::nullopt;
  return found->what;
}

std::int64_t number_in(const row& from, std::string_view field, std::int64_t otherwise) {
  const auto* value = from.if_contains(field);
  return value && value->is_int64() ? value->get_int64() : otherwise;
}

std::string text_in(const row& from, std::string_view field) {
  const auto* value = from.if_contains(field);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool flag_in(const row& from, std::string_view field) {
  const auto* value = from.if_contains(field);
  return value && value->is_bool() && value->get_bool();
}

std::optional<std::int64_t> as_number(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (!value.is_string()) return std::nullopt;
  const std::string_view text(value.get_string());
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

lifecycle_state state_in(const row& from) { return state_of(number_in(from, "state", -1)).value_or(ignore); }

void set_state(row& of, lifecycle_state state) { of["state"] = number_of(state); }

row& cloud_rows::insert(kind what, row fields) {
  auto& table = tables_[static_cast<std::size_t>(what)];
  auto& next = next_[static_cast<std::size_t>(what)];
  while (table.contains(next)) ++next;
  const auto id = number_in(fields, "id", next);
  if (id == next) ++next;
  const auto now = stamp();
  fields["id"] = id;
  fields["created"] = now;
  fields["updated"] = now;
  fields["uri"] = fmt::format("/{}/{}/", name(what), id);
  auto& stored = table.insert_or_assign(id, std::move(fields)).first->second;
  index(what, stored);
  return stored;
}

row* cloud_rows::find(kind what, std::int64_t id) {
  auto& table = tables_[static_cast<std::size_t>(what)];
  const auto found = table.find(id);
  return found == table.end() ? nullptr : &found->second;
}

const row* cloud_rows::find(kind what, std::int64_t id) const {
  const auto& table = all(what);
  const auto found = table.find(id);
  return found == table.end() ? nullptr : &found->second;
}

cloud_rows::cloud_rows(const clock& time) : time_(time) { next_.fill(1); }

void cloud_rows::erase(kind what, std::int64_t id) {
  auto& table = tables_[static_cast<std::size_t>(what)];
  const auto found = table.find(id);
  if (found == table.end()) return;
  for (const auto field : indexed_fields)
    if (const auto* value = found->second.if_contains(field))
      indexes_[static_cast<std::size_t>(what)][key_of(field, *value)].erase(id);
  table.erase(found);
}

void cloud_rows::touch(row& changed) { changed["updated"] = stamp(); }

const std::map<std::int64_t, row>& cloud_rows::all(kind what) const { return tables_[static_cast<std::size_t>(what)]; }

void cloud_rows::index(kind what, const row& changed) {
  const auto id = number_in(changed, "id", -1);
  for (const auto field : indexed_fields)
    if (const auto* value = changed.if_contains(field))
      indexes_[static_cast<std::size_t>(what)][key_of(field, *value)].insert(id);
}

std::vector<std::int64_t> cloud_rows::matching(kind what, std::string_view field, const json::value& value) const {
  std::vector<std::int64_t> found;
  const auto& by_key = indexes_[static_cast<std::size_t>(what)];
  const auto candidates = by_key.find(key_of(field, value));
  if (candidates == by_key.end()) return found;
  for (const auto id : candidates->second) {
    const auto* one = find(what, id);
    const auto* is = one ? one->if_contains(field) : nullptr;
    if (is && *is == value) found.push_back(id);
  }
  return found;
}

std::vector<std::int64_t> cloud_rows::where(kind what, std::string_view field, std::int64_t value) const {
  return matching(what, field, value);
}

std::vector<std::int64_t> cloud_rows::where(kind what, std::string_view field, std::string_view value) const {
  return matching(what, field, json::string(value));
}

json::value cloud_rows::look_up(const row& from, std::string_view path) const {
  if (const auto* value = from.if_contains(path)) return *value;
  const auto cut = path.find("__");
  if (cut == std::string_view::npos) return nullptr;
  const auto head = path.substr(0, cut), rest = path.substr(cut + 2);
  if (const auto* inner = from.if_contains(head); inner && inner->is_object())
    return look_up(inner->get_object(), rest);
  const auto refers_to = parse_kind(head);
  const auto* target = refers_to ? find(*refers_to, number_in(from, std::string(head) + "_id", -1)) : nullptr;
  return target ? look_up(*target, rest) : json::value(nullptr);
}

void cloud_rows::put_back(kind what, const row& as_it_was) {
  auto& table = tables_[static_cast<std::size_t>(what)];
  index(what, table.insert_or_assign(number_in(as_it_was, "id", -1), as_it_was).first->second);
}

std::string cloud_rows::stamp() {
  const auto now_us = std::chrono::duration_cast<std::chrono::microseconds>(time_.wall().time_since_epoch()).count();
  last_stamp_us_ = std::max<std::int64_t>(now_us, last_stamp_us_ + 1);
  const wall_time at{std::chrono::floor<milliseconds>(std::chrono::microseconds(last_stamp_us_))};
  auto text = iso_text(at);
  text.pop_back();
  return text + fmt::format("{:03}", last_stamp_us_ % 1000);
}

}  // namespace regent::sim
