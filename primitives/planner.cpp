// From an operation to its steps: hosts in their order, conditions, loops, parameters.
#include <algorithm>

#include "primitives/catalogue.hpp"
#include "primitives/step_parameters.hpp"

namespace regent {

std::string_view name(step_role role) {
  constexpr std::string_view names[] = {"sole", "enabled", "standby"};
  return names[static_cast<std::size_t>(role)];
}

namespace {

constexpr std::size_t steps_most = 20'000;  ///< of one plan: more is a mistake in a record or kind file

/// A host of a step, with the document that {host.…} looks into.
struct target {
  host_id host;
  step_role role = step_role::sole;
  rapidjson::Document document;
};

class planning {
 public:
  planning(const kind& of, const std::map<std::string, primitive>& primitives, operation what, const record& resource,
           const region_config& region, bool settles_quiesced)
      : kind_(of), primitives_(primitives), what_(what), record_(resource), region_(region) {
    auto& allocator = own_.GetAllocator();
    const auto put = [&](rapidjson::Value& to, const char* key, std::string_view text) {
      to.AddMember(rapidjson::StringRef(key),
                   rapidjson::Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator), allocator);
    };
    own_.SetObject();
    rapidjson::Value resource_value(rapidjson::kObjectType);
    put(resource_value, "kind", resource.head.id.kind);
    put(resource_value, "id", resource.head.id.id);
    put(resource_value, "name", resource.name);
    rapidjson::Value operation_value(rapidjson::kObjectType);
    put(operation_value, "name", regent::name(what));
    put(operation_value, "settles", settles_quiesced || quiets(what) ? "quiesced" : "running");
    own_.AddMember("resource", resource_value, allocator);
    own_.AddMember("operation", operation_value, allocator);
  }

  result<plan> make() {
    plan out{record_.head.id, what_, {}, "", {}};
    if (!record_.document || !region_.document)
      return fail(error_kind::bug, "plan_document_missing", "{}: record or region has no document", place());
    auto base = base_scope();
    if (auto scope_text = text_of(kind_.lease_scope, base, "lease_scope"))
      out.lease_scope = *scope_text;
    else
      return failure(scope_text.error());
    if (const auto limit = kind_.deadlines.find(what_); limit != kind_.deadlines.end()) out.deadline = limit->second;
    if (record_.phantom) return out;
    const auto steps = kind_.operations.find(what_);
    if (steps == kind_.operations.end())
      return fail(error_kind::permanent, "plan_operation_unknown", "{}: the kind {} has no such operation", place(),
                  kind_.name);
    if (auto fine = check_fields(); !fine) return failure(fine.error());
    if (auto done = add_groups(steps->second, out); !done) return failure(done.error());
    return out;
  }

 private:
  static bool quiets(operation what) {
    return what == operation::quiesce || what == operation::scrub_prep || what == operation::scrub;
  }

  std::string place() const { return fmt::format("{} {}", record_.head.id.text(), regent::name(what_)); }

  scope base_scope() const {
    scope out;
    out.roots["record"] = record_.document.get();
    out.roots["region"] = region_.document.get();
    out.roots["resource"] = &own_["resource"];
    out.roots["operation"] = &own_["operation"];
    return out;
  }

  failure wrong(const char* code, const std::string& what) const {
    return fail(error_kind::permanent, code, "{}: {}", place(), what);
  }

  result<std::string> text_of(const expression& from, const scope& where, const std::string& what) const {
    auto value = from.evaluate(where);
    if (!value)
      return wrong(value.error().missing ? "plan_value_missing" : "plan_value_malformed",
                   what + ": " + value.error().message);
    if (value->list) return wrong("plan_value_malformed", what + ": a list, where a text is wanted");
    return value->texts[0];
  }

  static bool is_of(const rapidjson::Value& value, const std::string& type) {
    if (type == "text") return value.IsString();
    if (type == "integer") return value.IsInt64();
    if (type == "boolean") return value.IsBool();
    return type == "object" ? value.IsObject() : value.IsArray();
  }

  result<void> check_fields() const {
    if (!record_.document->IsObject()) return wrong("plan_record_malformed", "the record is not an object");
    for (const auto& field : kind_.fields) {
      const auto* value = find_path(*record_.document, field.path);
      if (!value || value->IsNull()) {
        if (field.required) return wrong("plan_record_malformed", fmt::format("record.{} is missing", field.path));
      } else if (!is_of(*value, field.type)) {
        return wrong("plan_record_malformed", fmt::format("record.{} is not of type {}", field.path, field.type));
      } else if (value->IsArray() && value->Size() > field.most) {
        return wrong("plan_record_malformed", fmt::format("record.{} has {} elements, at most {} are allowed",
                                                          field.path, value->Size(), field.most));
      }
    }
    return {};
  }

  /// Steps on the same hosts that follow one another are a group: all of them on the first host, then all on the next.
  result<void> add_groups(const std::vector<kind_step>& steps, plan& to) {
    for (std::size_t first = 0; first < steps.size();) {
      auto last = first;
      while (last < steps.size() && steps[last].on == steps[first].on) ++last;
      auto hosts = targets_of(steps[first]);
      if (!hosts) return failure(hosts.error());
      for (const auto& host : *hosts) {
        auto where = base_scope();
        where.roots["host"] = &host.document;
        if (auto done = add_names(where); !done) return done;
        for (auto i = first; i < last; ++i)
          if (auto done = add_step(steps[i], i + 1, host, where, to); !done) return done;
      }
      first = last;
    }
    return {};
  }

  result<void> add_names(scope& where) const {
    for (const auto& [key, from] : kind_.names) {
      auto value = text_of(from, where, "names." + key);
      if (!value) return failure(value.error());
      where.names[key] = *value;
    }
    return {};
  }

  result<std::vector<target>> targets_of(const kind_step& step) const {
    const auto& pair = region_.podnet;
    std::vector<std::pair<host_id, step_role>> wanted;
    if (step.on != "podnet") {
      const auto host = text_of(step.host, base_scope(), "on");
      if (!host) return failure(host.error());
      wanted.emplace_back(*host, step_role::sole);
    } else if (pair.a.empty()) {
      return wrong("plan_host_missing", "the region file names no podnet");
    } else if (pair.b.empty()) {
      wanted.emplace_back(pair.a, step_role::sole);
    } else if (pair.enabled == pair.a || pair.enabled == pair.b) {
      wanted.emplace_back(pair.enabled, step_role::enabled);
      wanted.emplace_back(pair.enabled == pair.a ? pair.b : pair.a, step_role::standby);
    } else {
      return wrong("plan_host_missing", "the region file does not say which node of the podnet pair is enabled");
    }
    std::vector<target> out;
    for (const auto& [host, role] : wanted) {
      auto found = target_at(host, role);
      if (!found)
        return wrong("plan_host_missing", fmt::format("there is no host '{}' in the region file", host.value()));
      out.push_back(*std::move(found));
    }
    return out;
  }

  /// {host.…} is the host's entry in the region file, but its `role` is the one it has in this step.
  std::optional<target> target_at(const host_id& host, step_role role) const {
    const auto* hosts = find_path(*region_.document, "hosts");
    if (!hosts || !hosts->IsArray()) return std::nullopt;
    for (const auto& one : hosts->GetArray()) {
      const auto* called = one.IsObject() ? find_path(one, "name") : nullptr;
      if (!called || !called->IsString() || called->GetString() != host.value()) continue;
      target out{host, role, {}};
      out.document.CopyFrom(one, out.document.GetAllocator());
      const auto word = regent::name(role);
      out.document.RemoveMember("role");
      out.document.AddMember(
          "role",
          rapidjson::Value(word.data(), static_cast<rapidjson::SizeType>(word.size()), out.document.GetAllocator()),
          out.document.GetAllocator());
      return out;
    }
    return std::nullopt;
  }

  /// An error of a step, with its place in front: kind, operation, number and name of the step.
  failure in_step(error what, const kind_step& step, std::size_t number, const std::string& item) const {
    what.message = fmt::format("{}: step {} ({} {}){}: {}", place(), number, step.primitive, step.verb,
                               item.empty() ? "" : ", " + item, what.message);
    return failure(std::move(what));
  }

  result<void> add_step(const kind_step& step, std::size_t number, const target& on, const scope& where,
                        plan& to) const {
    if (!std::all_of(step.when.begin(), step.when.end(), [&](const auto& one) { return one.holds(where); })) return {};
    return for_every(step.for_each, where, [&](const scope& inner, const std::string& item) -> result<void> {
      const auto& of = primitives_.at(step.primitive);
      auto parameters = step_parameters(step, of, inner);
      if (!parameters) return in_step(parameters.error(), step, number, item);
      auto about = text_of(step.about, inner, "about");
      if (!about) return in_step(about.error(), step, number, item);
      const auto& limits_of_verb = of.verbs.at(step.verb);
      plan_step made{on.host,          step.primitive,
                     step.verb,        *std::move(parameters),
                     on.role,          step.deadline.value_or(limits_of_verb.deadline),
                     one_line(*about), step.stall.value_or(limits_of_verb.stall),
                     step.undo};
      if (const auto size = bytes_of(made); size > limits::run_parameters_total_bytes)
        return in_step({error_kind::permanent, "plan_too_large",
                        fmt::format("its parameters have {} bytes, at most {} are sent", size,
                                    limits::run_parameters_total_bytes)},
                       step, number, item);
      to.steps.push_back(std::move(made));
      if (to.steps.size() > steps_most) return wrong("plan_too_large", fmt::format("more than {} steps", steps_most));
      return {};
    });
  }

  static std::string one_line(std::string text) {
    for (auto& c : text)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text.size() > 300 ? text.substr(0, 300) + "…" : text;
  }

  /// What the transport counts: names and values with a byte between them.
  static std::size_t bytes_of(const plan_step& step) {
    std::size_t out = 0;
    for (const auto& one : step.parameters) {
      out += one.name.size() + 16;
      if (const auto* text = std::get_if<std::string>(&one.value))
        out += text->size() + 1;
      else
        for (const auto& element : std::get<std::vector<std::string>>(one.value)) out += element.size() + 1;
    }
    return out;
  }

  const kind& kind_;
  const std::map<std::string, primitive>& primitives_;
  operation what_;
  const record& record_;
  const region_config& region_;
  rapidjson::Document own_;
};

}  // namespace

result<plan> plan_operation(const kind& of, const std::map<std::string, primitive>& primitives, operation what,
                            const record& resource, const region_config& region, bool settles_quiesced) {
  return planning(of, primitives, what, resource, region, settles_quiesced).make();
}

}  // namespace regent
