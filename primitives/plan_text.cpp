#include <algorithm>

#include "primitives/plan.hpp"
#include "region/json.hpp"

namespace regent {
namespace {

constexpr std::string_view masked = "***";

/// A value as it stands, if nobody can misread it; else quoted.
std::string shown(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != ',' && c != '[' && c != ']' && c != '*';
  });
  return plain ? text : json_quote(text);
}

/// Every element as `each` writes it, with `between` between them.
template <class List, class Each>
std::string joined(const List& list, std::string_view between, Each each) {
  std::vector<std::string> texts;
  for (const auto& one : list) texts.push_back(each(one));
  return fmt::format("{}", fmt::join(texts, between));
}

std::string shown_parameter(const plan_parameter& one) {
  if (one.secret) return std::string(masked);
  if (const auto* text = std::get_if<std::string>(&one.value)) return shown(*text);
  return fmt::format("[{}]", joined(std::get<std::vector<std::string>>(one.value), ", ", shown));
}

std::string json_value(const plan_parameter& one) {
  if (one.secret) return json_quote(masked);
  if (const auto* text = std::get_if<std::string>(&one.value)) return json_quote(*text);
  return fmt::format("[{}]", joined(std::get<std::vector<std::string>>(one.value), ",", json_quote));
}

std::string json_step(const plan_step& step) {
  const auto parameters = joined(step.parameters, ",", [](const plan_parameter& one) {
    return fmt::format("{}:{}", json_quote(one.name), json_value(one));
  });
  auto stall = step.stall.count() == 0 ? "" : fmt::format(R"("stall_ms":{},)", step.stall.count());
  if (!step.undo.empty()) stall += fmt::format(R"("undo":{},)", json_quote(step.undo));
  return fmt::format(
      R"({{"host":{},"role":{},"primitive":{},"verb":{},"about":{},"deadline_ms":{},{}"parameters":{{{}}}}})",
      json_quote(step.host.value()), json_quote(name(step.role)), json_quote(step.primitive), json_quote(step.verb),
      json_quote(step.about), step.deadline.count(), stall, parameters);
}

}  // namespace

std::string plan_text(const plan& what) {
  const auto most = what.deadline.count() == 0 ? "" : ", at most " + span_text(what.deadline);
  auto out = fmt::format("{} {}: {} step{}, lease {}{}\n", what.resource.text(), name(what.what), what.steps.size(),
                         what.steps.size() == 1 ? "" : "s", what.lease_scope, most);
  for (std::size_t i = 0; i < what.steps.size(); ++i) {
    const auto& step = what.steps[i];
    auto stall = step.stall.count() == 0 ? "" : fmt::format(", {} of it without progress", span_text(step.stall));
    if (!step.undo.empty()) stall += fmt::format("; {} undoes it if the operation fails", step.undo);
    out += fmt::format("\n{}. {} ({}): {}\n   {} {}, at most {}{}\n", i + 1, step.host.value(), name(step.role),
                       step.about, step.primitive, step.verb, span_text(step.deadline), stall);
    for (const auto& one : step.parameters) out += fmt::format("     {} = {}\n", one.name, shown_parameter(one));
  }
  return out;
}

std::string plan_json(const plan& what) {
  const auto most = what.deadline.count() == 0 ? "" : fmt::format(R"("deadline_ms":{},)", what.deadline.count());
  return fmt::format(R"({{"resource":{},"operation":{},"lease_scope":{},{}"steps":[{}]}})",
                     json_quote(what.resource.text()), json_quote(name(what.what)), json_quote(what.lease_scope), most,
                     joined(what.steps, ",", json_step));
}

}  // namespace regent
