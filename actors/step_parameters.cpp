#include "actors/step_parameters.hpp"

namespace regent {

namespace {

std::string value_json(const parameter_value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return json_quote(*text);
  std::string out = "[";
  for (const auto& one : std::get<std::vector<std::string>>(value)) {
    if (out.size() > 1) out += ',';
    out += json_quote(one);
  }
  return out += ']';
}

std::string text_of(const rapidjson::Value& value) { return {value.GetString(), value.GetStringLength()}; }

}  // namespace

std::string parameters_json(const std::vector<plan_parameter>& parameters) {
  std::string out = "{";
  for (const auto& one : parameters) {
    if (out.size() > 1) out += ',';
    out += json_quote(one.name) + ":" + (one.secret ? "null" : value_json(one.value));
  }
  return out += '}';
}

result<stored_parameters> parse_parameters(const std::string& json) {
  const auto parsed = parse_json(json);
  if (!parsed || !(*parsed)->IsObject())
    return fail(error_kind::bug, "step_parameters_malformed", "stored as {}", json);
  stored_parameters out;
  for (const auto& member : (*parsed)->GetObject()) {
    run_parameter one{text_of(member.name), std::string()};
    if (member.value.IsNull()) {
      out.secrets.push_back(one.name);
      continue;
    }
    if (member.value.IsString()) {
      one.value = text_of(member.value);
    } else if (member.value.IsArray()) {
      std::vector<std::string> list;
      for (const auto& item : member.value.GetArray()) {
        if (!item.IsString())
          return fail(error_kind::bug, "step_parameters_malformed", "{} has an item that is no text", one.name);
        list.push_back(text_of(item));
      }
      one.value = std::move(list);
    } else {
      return fail(error_kind::bug, "step_parameters_malformed", "{} is neither text nor list", one.name);
    }
    out.values.push_back(std::move(one));
  }
  return out;
}

}  // namespace regent
