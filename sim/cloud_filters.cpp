#include "sim/cloud_filters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <charconv>
#include <functional>

#include "sim/cloud_list_rules.hpp"
#include "sim/cloud_view.hpp"

namespace regent::sim {

namespace {

using enum field_type;

struct filter {
  std::string field;
  std::string op;  ///< empty: equals
  std::string value;
  field_type type = text;
};

bool allows(field_type type, std::string_view op) {
  if (op.empty()) return true;
  static constexpr std::array<std::string_view, 7> numbers{"gt", "gte", "in", "isnull", "lt", "lte", "range"};
  static constexpr std::array<std::string_view, 5> texts{"in", "icontains", "iendswith", "iexact", "istartswith"};
  if (type == text) return std::find(texts.begin(), texts.end(), op) != texts.end();
  return type != flag && std::find(numbers.begin(), numbers.end(), op) != numbers.end();
}

const std::pair<std::string_view, field_type>* known(kind what, std::string_view field) {
  const auto& filters = rules_of(what).filters;
  const auto found = std::find_if(filters.begin(), filters.end(), [field](const auto& f) { return f.first == field; });
  return found == filters.end() ? nullptr : &*found;
}

/// "(1,2)", "[1,2]" or "1,2", with or without quotes.
std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> parts(1);
  for (const char c : value) {
    if (c == ',')
      parts.emplace_back();
    else if (std::string_view("[]()'\" ").find(c) == std::string_view::npos)
      parts.back() += c;
  }
  std::erase(parts, "");
  return parts;
}

std::optional<std::int64_t> whole_number(std::string_view value) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (code != std::errc{} || end != value.data() + value.size()) return std::nullopt;
  return number;
}

/// A time as records have it, so that text order is time order.
std::optional<std::string> time_text(std::string value) {
  if (!parse_iso(value)) return std::nullopt;
  if (value.ends_with("+00:00")) value.resize(value.size() - 6);
  if (value.ends_with('Z')) value.pop_back();
  value[10] = 'T';
  return value;
}

/// The wanted value in the form of its field; none if it does not fit: the cloud then answers 400.
std::optional<json::value> wanted(field_type type, const std::string& value) {
  switch (type) {
    case number:
      if (const auto n = whole_number(value)) return json::value(*n);
      return std::nullopt;
    case time:
      if (const auto t = time_text(value)) return json::value(*t);
      return std::nullopt;
    case flag: return json::value(boost::iequals(value, "true"));
    case text: break;
  }
  return json::value(value);
}

/// -1, 0, 1; none if the two cannot be compared, as when a player put text where a number belongs.
std::optional<int> compare(const json::value& a, const json::value& b) {
  const auto sign = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (a.is_int64() && b.is_int64()) return sign(a.get_int64(), b.get_int64());
  if (a.is_string() && b.is_string()) return sign(std::string_view(a.get_string()), std::string_view(b.get_string()));
  if (a.is_bool() && b.is_bool()) return sign(a.get_bool(), b.get_bool());
  return std::nullopt;
}

/// A total order even over values of several types.
bool goes_before(const json::value& a, const json::value& b) {
  if (a.kind() != b.kind()) return a.kind() < b.kind();
  return compare(a, b).value_or(0) < 0;
}

using predicate = std::function<bool(const json::value&)>;

predicate compare_with(std::string_view op, json::value to) {
  return [op = std::string(op), to = std::move(to)](const json::value& is) {
    const auto order = compare(is, to);
    if (!order) return false;
    if (op == "gt") return *order > 0;
    if (op == "gte") return *order >= 0;
    if (op == "lt") return *order < 0;
    if (op == "lte") return *order <= 0;
    return *order == 0;
  };
}

predicate text_test(std::string_view op, std::string part) {
  return [op = std::string(op), part = std::move(part)](const json::value& value) {
    if (!value.is_string()) return false;
    const std::string is(value.get_string());
    if (op == "icontains") return boost::icontains(is, part);
    if (op == "iendswith") return boost::iends_with(is, part);
    if (op == "istartswith") return boost::istarts_with(is, part);
    return boost::iequals(is, part);
  };
}

std::optional<predicate> one_of(const filter& by) {
  std::vector<json::value> any;
  for (const auto& part : split_list(by.value)) {
    auto value = wanted(by.type, part);
    if (!value) return std::nullopt;
    any.push_back(std::move(*value));
  }
  if (by.op == "range" && any.size() == 2)
    return [any](const json::value& is) {
      const auto low = compare(is, any[0]), high = compare(is, any[1]);
      return low && high && *low >= 0 && *high <= 0;
    };
  return [any](const json::value& is) {
    return std::any_of(any.begin(), any.end(), [&is](const auto& one) { return compare(is, one) == 0; });
  };
}

/// None if the value does not fit the field.
std::optional<predicate> test_for(const filter& by) {
  if (by.op == "in" || by.op == "range") return one_of(by);
  if (by.op == "isnull") {
    const bool want = boost::iequals(by.value, "true");
    return [want](const json::value& is) { return is.is_null() == want; };
  }
  if (by.type == text && !by.op.empty()) return text_test(by.op, by.value);
  auto value = wanted(by.type, by.value);
  if (!value) return std::nullopt;
  return compare_with(by.op, std::move(*value));
}

struct list_request {
  std::vector<filter> search;
  std::vector<filter> exclude;
  std::string order;
  std::int64_t page = 0;
  std::int64_t limit = 50;
  bool related = true;
  json::array warnings;
};

void add_filter(list_request& request, kind what, bool exclude, const std::string& name, const std::string& value) {
  const auto prefix = exclude ? "ExcludeFilterWarning" : "SearchFilterWarning";
  const auto cut = name.rfind("__");
  const auto* whole = known(what, name);
  const auto* field = whole || cut == std::string::npos ? whole : known(what, std::string_view(name).substr(0, cut));
  const std::string op = whole || !field ? "" : name.substr(cut + 2);
  if (!field) {
    request.warnings.push_back(
        json::string(fmt::format("{}: {} is an invalid filter for this list method and was skipped.", prefix, name)));
  } else if (!allows(field->second, op) || (op == "range" && split_list(value).size() != 2)) {
    request.warnings.push_back(json::string(fmt::format(
        "{}: {} is an invalid filter for this list method as its operator or value is invalid, and was skipped.",
        prefix, name)));
  } else {
    (exclude ? request.exclude : request.search).push_back({std::string(field->first), op, value, field->second});
  }
}

/// "search[state__in]" → "state__in".
std::optional<std::string> bracketed(std::string_view key, std::string_view word) {
  if (!key.starts_with(word) || !key.substr(word.size()).starts_with("[") || !key.ends_with("]")) return std::nullopt;
  return std::string(key.substr(word.size() + 1, key.size() - word.size() - 2));
}

/// The old form without brackets works only when no bracketed one is there; beside one it is dropped without a word.
void add_old_form(list_request& request, kind what, const query_items& query) {
  bool any = false;
  for (const auto& [key, value] : query) {
    if (key == "order" || key == "page" || key == "limit" || key == "include_related" || key == "format") continue;
    any = true;
    add_filter(request, what, false, key, value);
  }
  if (any)
    request.warnings.push_back(
        "DeprecationWarning: filters without brackets are deprecated; write search[name]=value instead.");
}

void set_order(list_request& request, kind what, const std::string& wish) {
  const auto& orders = rules_of(what).orders;
  const auto field = wish.starts_with("-") ? wish.substr(1) : wish;
  if (std::find(orders.begin(), orders.end(), field) != orders.end()) {
    request.order = wish;
  } else {
    request.warnings.push_back(
        json::string(fmt::format("OrderWarning: {} is an invalid order for this list method and was skipped.", wish)));
  }
}

list_request read_request(kind what, const query_items& query) {
  list_request request;
  request.order = rules_of(what).orders.front();
  bool brackets = false;
  for (const auto& [key, value] : query) {
    if (const auto search = bracketed(key, "search")) {
      brackets = true;
      add_filter(request, what, false, *search, value);
    } else if (const auto exclude = bracketed(key, "exclude")) {
      brackets = true;
      add_filter(request, what, true, *exclude, value);
    } else if (key == "page") {
      request.page = std::max<std::int64_t>(whole_number(value).value_or(0), 0);
    } else if (key == "limit") {
      const auto limit = whole_number(value).value_or(0);
      request.limit = limit < 1 || limit > 100 ? 50 : limit;
    } else if (key == "order") {
      set_order(request, what, value);
    } else if (key == "include_related") {
      request.related = !boost::iequals(value, "false");
    }
  }
  if (!brackets) add_old_form(request, what, query);
  return request;
}

struct compiled_filter {
  std::string field;
  predicate holds;
};

/// None if a value does not fit.
std::optional<std::vector<compiled_filter>> compile(const std::vector<filter>& filters) {
  std::vector<compiled_filter> out;
  for (const auto& one : filters) {
    auto test = test_for(one);
    if (!test) return std::nullopt;
    out.push_back({one.field, std::move(*test)});
  }
  return out;
}

bool all_hold(const cloud_rows& rows, const std::vector<compiled_filter>& filters, const row& of) {
  return std::all_of(filters.begin(), filters.end(),
                     [&](const compiled_filter& one) { return one.holds(rows.look_up(of, one.field)); });
}

void sort_rows(const cloud_rows& rows, const std::string& order, std::vector<const row*>& found) {
  const bool down = order.starts_with("-");
  const auto field = down ? order.substr(1) : order;
  std::vector<std::pair<json::value, const row*>> keyed;
  for (const auto* one : found) keyed.emplace_back(rows.look_up(*one, field), one);
  std::stable_sort(keyed.begin(), keyed.end(), [down](const auto& a, const auto& b) {
    return down ? goes_before(b.first, a.first) : goes_before(a.first, b.first);
  });
  std::transform(keyed.begin(), keyed.end(), found.begin(), [](const auto& pair) { return pair.second; });
}

json::array one_page(const cloud_rows& rows, kind what, const list_request& request,
                     const std::vector<const row*>& found) {
  json::array content;
  const auto total = static_cast<std::int64_t>(found.size());
  if (request.page > total) return content;
  const auto last = std::min(total, (request.page + 1) * request.limit);
  for (auto at = request.page * request.limit; at < last; ++at)
    content.push_back(
        view(rows, what, *found[static_cast<std::size_t>(at)], request.related ? detail::listed : detail::brief));
  return content;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

}  // namespace

query_items parse_query(std::string_view text) {
  query_items items;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto part = text.substr(0, end);
    const auto equals = std::min(part.find('='), part.size());
    if (!part.empty())
      items.emplace_back(decoded(part.substr(0, equals)), decoded(part.substr(std::min(equals + 1, part.size()))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return items;
}

answer list_answer(const cloud_rows& rows, kind what, const query_items& query) {
  auto request = read_request(what, query);
  const auto search = compile(request.search), exclude = compile(request.exclude);
  if (!search || !exclude)
    return refused(400, fmt::format("iaas_{}_list_001", name(what)),
                   "One or more of the filters has an invalid value.");
  std::vector<const row*> found;
  for (const auto& [id, fields] : rows.all(what))
    if (all_hold(rows, *search, fields) && (exclude->empty() || !all_hold(rows, *exclude, fields)))
      found.push_back(&fields);
  sort_rows(rows, request.order, found);
  auto content = one_page(rows, what, request, found);
  return json_answer(200, {{"content", std::move(content)},
                           {"_metadata",
                            {{"page", request.page},
                             {"limit", request.limit},
                             {"order", request.order},
                             {"total_records", found.size()},
                             {"warnings", std::move(request.warnings)}}}});
}

}  // namespace regent::sim
