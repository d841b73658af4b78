#include "primitives/expression.hpp"

#include <algorithm>

#include "base/ip_network.hpp"
#include "primitives/sha256.hpp"

namespace regent {
namespace {

/// A short word of an id that fits into an interface's name: a number of at most 9 digits stays, all else becomes a
/// hash. The hash begins with x, so it is never such a number.
std::optional<std::string> tag(const std::string& text) {
  const bool number = !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string::npos;
  return number ? text : fmt::format("x{:.8}", sha256_hex(text));
}

/// The text with every character that a mark cannot have replaced.
std::optional<std::string> word(const std::string& text) {
  auto out = text;
  for (auto& c : out)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.')) c = '-';
  return out.empty() ? std::nullopt : std::optional(out.substr(0, 64));
}

/// The default route of the address's family.
std::optional<std::string> default_route(const std::string& text) {
  const auto address = parse_ip_address(text);
  if (!address) return std::nullopt;
  return address->family == 4 ? "0.0.0.0/0" : "::/0";
}

struct filter_row {
  std::string_view name;
  std::optional<std::string> (*apply)(const std::string&);
};
constexpr filter_row filters[] = {{"tag", tag}, {"word", word}, {"default_route", default_route}};

const filter_row* find_filter(std::string_view name) {
  for (const auto& row : filters)
    if (row.name == name) return &row;
  return nullptr;
}

/// A scalar as text; none for objects, arrays, null and fractions.
std::optional<std::string> scalar_text(const rapidjson::Value& value) {
  if (value.IsString()) return std::string(value.GetString(), value.GetStringLength());
  if (value.IsBool()) return value.GetBool() ? "true" : "false";
  if (value.IsInt64()) return std::to_string(value.GetInt64());
  if (value.IsUint64()) return std::to_string(value.GetUint64());
  return std::nullopt;
}

bool is_path(std::string_view text) {
  return !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
                  c == '-';
         });
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::vector<std::string> filter_names() {
  std::vector<std::string> out;
  for (const auto& row : filters) out.emplace_back(row.name);
  return out;
}

const rapidjson::Value* scope::find(std::string_view path) const {
  const auto dot = path.find('.');
  const auto root = roots.find(path.substr(0, dot));
  if (root == roots.end() || root->second == nullptr) return nullptr;
  const auto* value = dot == std::string_view::npos ? root->second : find_path(*root->second, path.substr(dot + 1));
  return value && !value->IsNull() ? value : nullptr;
}

tl::expected<expression, std::string> expression::parse(std::string text) {
  expression out;
  out.source_ = text;
  std::string_view rest = out.source_;
  while (!rest.empty()) {
    const auto open = rest.find('{');
    if (rest.substr(0, open).find('}') != std::string_view::npos)
      return tl::unexpected("'" + text + "' has a } without its {");
    if (open != 0) out.parts_.push_back({std::string(rest.substr(0, open)), "", ""});
    if (open == std::string_view::npos) break;
    const auto close = rest.find('}', open);
    if (close == std::string_view::npos) return tl::unexpected("'" + text + "' has a { without its }");
    const auto inside = rest.substr(open + 1, close - open - 1);
    const auto bar = inside.find('|');
    part found{"", std::string(inside.substr(0, bar)),
               bar == std::string_view::npos ? "" : std::string(inside.substr(bar + 1))};
    if (!is_path(found.path)) return tl::unexpected("'" + found.path + "' is not a path like record.networks.0.vlan");
    if (bar != std::string_view::npos && !find_filter(found.filter))
      return tl::unexpected(
          fmt::format("there is no filter '{}'; there are {}", found.filter, fmt::join(filter_names(), ", ")));
    out.parts_.push_back(std::move(found));
    rest.remove_prefix(close + 1);
  }
  return out;
}

bool expression::is_literal() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const part& one) { return one.path.empty(); });
}

namespace {

using trouble = expression::trouble;

tl::expected<std::string, trouble> part_text(const expression::part& part, const scope& where) {
  std::string text;
  if (part.path.rfind("names.", 0) == 0) {
    const auto name = where.names.find(std::string_view(part.path).substr(6));
    if (name == where.names.end()) return tl::unexpected(trouble{true, part.path + " is missing"});
    text = name->second;
  } else {
    const auto* found = where.find(part.path);
    if (!found) return tl::unexpected(trouble{true, part.path + " is missing"});
    const auto scalar = scalar_text(*found);
    if (!scalar)
      return tl::unexpected(trouble{false, part.path + " is neither text nor whole number nor true or false"});
    text = *scalar;
  }
  if (part.filter.empty()) return text;
  if (auto out = find_filter(part.filter)->apply(text)) return *std::move(out);
  return tl::unexpected(
      trouble{false, fmt::format("{} has no {}: {}", part.path, part.filter, json_quote(text.substr(0, 80)))});
}

}  // namespace

tl::expected<expression::value, expression::trouble> expression::evaluate(const scope& where) const {
  if (parts_.size() == 1 && !parts_[0].path.empty() && parts_[0].filter.empty()) {
    const auto* found = where.find(parts_[0].path);
    if (found && found->IsArray()) {
      value out{{}, true};
      for (const auto& element : found->GetArray()) {
        const auto text = scalar_text(element);
        if (!text) return tl::unexpected(trouble{false, parts_[0].path + " has an element that is no text"});
        out.texts.push_back(*text);
      }
      return out;
    }
  }
  std::string text;
  for (const auto& one : parts_) {
    if (one.path.empty()) {
      text += one.literal;
      continue;
    }
    auto piece = part_text(one, where);
    if (!piece) return tl::unexpected(std::move(piece.error()));
    text += *piece;
  }
  return value{{std::move(text)}, false};
}

tl::expected<condition, std::string> condition::parse(const std::string& text) {
  for (const auto* operation : {"==", "!="}) {
    const auto at = text.find(operation);
    if (at == std::string::npos) continue;
    auto left = expression::parse(trimmed(text.substr(0, at)));
    if (!left) return tl::unexpected(left.error());
    return condition{*std::move(left), trimmed(text.substr(at + 2)), operation[0] == '='};
  }
  auto left = expression::parse(trimmed(text));
  if (!left) return tl::unexpected(left.error());
  if (left->parts().size() != 1 || left->is_literal())
    return tl::unexpected("'" + text + "' is not a condition: {path}, {path} == word or {path} != word");
  return condition{*std::move(left), std::nullopt, true};
}

bool condition::holds(const scope& where) const {
  if (!word && left.parts()[0].path.rfind("names.", 0) != 0) {
    const auto* found = where.find(left.parts()[0].path);
    if (!found) return false;
    if (found->IsBool()) return found->GetBool();
    if (found->IsString()) return found->GetStringLength() > 0;
    if (found->IsArray()) return !found->Empty();
    return true;
  }
  const auto value = left.evaluate(where);
  if (!word) return value && !value->texts.empty() && !value->texts[0].empty();
  const bool same = value && !value->list && value->texts[0] == *word;
  return same == equal;
}

}  // namespace regent
