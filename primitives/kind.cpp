#include "primitives/kind.hpp"

#include <algorithm>

namespace regent {
namespace {

constexpr std::string_view roots[] = {"record", "region", "resource", "operation", "host", "names"};

/// Reads one kind file, and holds its steps against the primitives.
class kind_reader {
 public:
  kind_reader(const std::map<std::string, primitive>& primitives, complaints& wrong)
      : primitives_(primitives), wrong_(wrong) {}

  kind read(const std::string& name, const yaml_value& root) {
    spec_map map(root, "kind file", wrong_);
    kind out;
    out.name = map.text("kind", true);
    if (out.name != name) map.wrong(fmt::format("kind is '{}', but the file is {}.yaml", out.name, name));
    out.summary = map.text("summary", true);
    out.scrub_queue = map.flag("scrub_queue");
    out.needs = map.words("needs");
    read_names(map, out);
    out.lease_scope = map.read_expression("lease_scope");
    if (out.lease_scope.source().empty()) map.wrong("'lease_scope' is missing");
    check_paths(out.lease_scope, false, map.line());
    read_fields(map, out);
    read_operations(map, out);
    read_deadlines(map, out);
    return out;
  }

 private:
  void read_names(spec_map& map, kind& out) {
    const auto* value = map.find("names");
    if (!value) return;
    spec_map all(*value, "names", wrong_);
    for (const auto& member : value->members) {
      all.find(member.key->text);
      auto text = read_expression(*member.value, wrong_);
      check_paths(text, false, member.value->line);
      names_.push_back(member.key->text);
      out.names.emplace_back(member.key->text, std::move(text));
    }
  }

  void read_fields(spec_map& map, kind& out) {
    const auto* value = map.find("fields");
    if (!value) return;
    spec_map all(*value, "fields", wrong_);
    for (const auto& member : value->members) {
      all.find(member.key->text);
      spec_map field(*member.value, "field " + member.key->text, wrong_);
      field_spec spec;
      spec.path = member.key->text;
      spec.type = field.text("type", true);
      static const std::vector<std::string> types{"text", "integer", "boolean", "object", "list"};
      if (std::find(types.begin(), types.end(), spec.type) == types.end())
        field.wrong(fmt::format("no field type '{}'; there are {}", spec.type, fmt::join(types, ", ")));
      if (field.find("required")) spec.required = field.flag("required");
      if (const auto most = field.integer("most"))
        spec.most = static_cast<std::size_t>(std::max<std::int64_t>(*most, 0));
      out.fields.push_back(std::move(spec));
    }
  }

  void read_operations(spec_map& map, kind& out) {
    const auto* value = map.find("operations");
    if (!value) return map.wrong("'operations' is missing");
    spec_map all(*value, "operations", wrong_);
    for (const auto& member : value->members) {
      all.find(member.key->text);
      const auto what = parse_operation(member.key->text);
      if (!what) {
        all.wrong(fmt::format("no operation '{}'; there are {}", member.key->text, fmt::join(operation_names, ", ")),
                  member.key);
        continue;
      }
      if (member.value->is != yaml_value::shape::sequence) all.wrong("its steps are not a list", member.value);
      for (const auto* item : member.value->items) out.operations[*what].push_back(read_step(*item));
      out.operations.try_emplace(*what);
    }
  }

  void read_deadlines(spec_map& map, kind& out) {
    const auto* value = map.find("deadlines");
    if (!value) return;
    spec_map all(*value, "deadlines", wrong_);
    for (const auto& member : value->members) {
      const auto what = parse_operation(member.key->text);
      const auto span = all.span(member.key->text, limits::operation_deadline_most);
      if (!what || !out.operations.contains(*what))
        all.wrong(fmt::format("there is no operation '{}' in this file", member.key->text), member.key);
      else if (span)
        out.deadlines[*what] = *span;
    }
  }

  kind_step read_step(const yaml_value& value) {
    spec_map map(value, "step", wrong_);
    kind_step out;
    out.line = value.line;
    out.primitive = map.text("primitive", true);
    out.verb = map.text("verb", true);
    out.undo = map.text("undo", false);
    out.on = map.text("on", true);
    out.host = map.read_expression("on");
    out.when = map.read_conditions("when");
    out.for_each = read_loop(map);
    out.about = map.read_expression("about");
    if (out.about.source().empty()) map.wrong("'about' is missing: one line for people");
    out.deadline = map.span("deadline");
    out.stall = map.span("stall");
    for (const auto& one : out.when) check_paths(one.left, false, out.line);
    check_paths(out.host, false, out.line);
    check_paths(out.about, !out.for_each.empty(), out.line);
    const auto* parameters = map.find("parameters");
    const auto found = primitives_.find(out.primitive);
    if (found == primitives_.end()) {
      map.wrong(fmt::format("there is no primitive '{}'", out.primitive));
    } else if (!found->second.verbs.contains(out.verb)) {
      std::vector<std::string> verbs;
      for (const auto& [verb, limits] : found->second.verbs) verbs.push_back(verb);
      map.wrong(
          fmt::format("primitive {} has no verb '{}'; it has {}", out.primitive, out.verb, fmt::join(verbs, ", ")));
    } else {
      const auto& of = found->second.verbs.at(out.verb);
      if (out.deadline || out.stall)
        check_limits({out.deadline.value_or(of.deadline), out.stall.value_or(of.stall)}, found->second, map);
      read_parameters(parameters, found->second, out, map);
      if (!out.undo.empty()) check_undo(out, found->second, map);
    }
    return out;
  }

  /// It is called with the step's own parameters.
  void check_undo(const kind_step& step, const primitive& of, spec_map& map) {
    if (!of.verbs.contains(step.undo)) {
      map.wrong(fmt::format("undo: primitive {} has no verb '{}'", step.primitive, step.undo));
      return;
    }
    for (const auto& one : of.parameters)
      if (one.is_for(step.undo) && !one.is_for(step.verb))
        map.wrong(
            fmt::format("undo: {} needs the parameter '{}', which {} does not take", step.undo, one.name, step.verb));
  }

  /// `for_each: "{path}"`.
  std::string read_loop(spec_map& map) {
    const auto loop = map.read_expression("for_each");
    if (loop.source().empty()) return "";
    if (loop.parts().size() != 1 || loop.is_literal() || !loop.parts()[0].filter.empty()) {
      map.wrong("for_each is one {path} to a list");
      return "";
    }
    check_paths(loop, false, map.line());
    return loop.parts()[0].path;
  }

  void read_parameters(const yaml_value* values, const primitive& of, kind_step& step, spec_map& map) {
    std::set<std::string> given;
    if (values) {
      spec_map all(*values, "parameters", wrong_);
      for (const auto& member : values->members) {
        all.find(member.key->text);
        const auto* spec = of.find(member.key->text);
        if (!spec || !spec->is_for(step.verb)) {
          all.wrong(fmt::format("{} {} takes no parameter '{}'", step.primitive, step.verb, member.key->text),
                    member.key);
          continue;
        }
        given.insert(spec->name);
        step.parameters.push_back(
            {spec->name, read_sources(*member.value, *spec, !step.for_each.empty()), member.key->line});
      }
    }
    for (const auto& spec : of.parameters)
      if (spec.required && spec.is_for(step.verb) && !given.contains(spec.name))
        map.wrong(fmt::format("{} {} needs the parameter '{}'", step.primitive, step.verb, spec.name));
  }

  std::vector<value_source> read_sources(const yaml_value& value, const parameter_spec& spec, bool looped) {
    std::vector<value_source> out;
    if (value.is != yaml_value::shape::sequence) {
      if (spec.is_table()) {
        wrong_.add(value.line, fmt::format("parameter {} is a table: a list of {{for_each, columns}}", spec.name));
        return out;
      }
      out.push_back({{}, "", read_expression(value, wrong_), {}});
      check_value(out.back().value, spec.type, looped, value.line);
      return out;
    }
    for (const auto* item : value.items) out.push_back(read_source(*item, spec, looped));
    return out;
  }

  value_source read_source(const yaml_value& value, const parameter_spec& spec, bool looped) {
    value_source out;
    if (value.is != yaml_value::shape::map) {
      out.value = read_expression(value, wrong_);
      if (spec.is_table()) wrong_.add(value.line, "a table's rows are maps {when, for_each, columns}");
      check_value(out.value, spec.type, looped, value.line);
      return out;
    }
    spec_map map(value, "parameter " + spec.name, wrong_);
    out.when = map.read_conditions("when");
    out.for_each = read_loop(map);
    looped = looped || !out.for_each.empty();
    for (const auto& one : out.when) check_paths(one.left, looped, value.line);
    if (spec.is_table()) {
      read_columns(map, spec, looped, out);
    } else {
      out.value = map.read_expression("value");
      check_value(out.value, spec.type, looped, value.line);
    }
    return out;
  }

  void read_columns(spec_map& map, const parameter_spec& spec, bool looped, value_source& out) {
    const auto* columns = map.find("columns");
    if (!columns) return map.wrong("'columns' is missing");
    spec_map all(*columns, "columns of " + spec.name, wrong_);
    for (const auto& member : columns->members) {
      all.find(member.key->text);
      const auto* column = spec.find_column(member.key->text);
      if (!column) {
        all.wrong(fmt::format("there is no column '{}'", member.key->text), member.key);
        continue;
      }
      auto text = read_expression(*member.value, wrong_);
      check_value(text, column->type, looped, member.value->line);
      out.columns.emplace(column->name, std::move(text));
    }
    for (const auto& column : spec.columns)
      if (!column.standard && !out.columns.contains(column.name))
        all.wrong(fmt::format("column '{}' is missing", column.name));
  }

  /// A text without paths must be of the type already here.
  void check_value(const expression& text, const value_type& type, bool looped, int line) {
    check_paths(text, looped, line);
    if (!type.scalar || !text.is_literal() || text.source().empty()) return;
    if (const auto checked = normal_value(type, text.source()); !checked) wrong_.add(line, checked.error());
  }

  void check_paths(const expression& text, bool looped, int line) {
    for (const auto& part : text.parts()) {
      if (part.path.empty()) continue;
      const auto root = part.path.substr(0, part.path.find('.'));
      const bool loop = root == "item" || root == "index";
      if (loop && !looped)
        wrong_.add(line, "{" + part.path + "} stands outside of a for_each");
      else if (!loop && std::find(std::begin(roots), std::end(roots), root) == std::end(roots))
        wrong_.add(line, fmt::format("{{{}}}: there is no '{}'; there are {}, and in a for_each item and index",
                                     part.path, root, fmt::join(roots, ", ")));
      else if (root == "names" &&
               std::find(names_.begin(), names_.end(), part.path.substr(std::min<std::size_t>(6, part.path.size()))) ==
                   names_.end())
        wrong_.add(line, fmt::format("{{{}}}: no such name; there are {}", part.path, fmt::join(names_, ", ")));
    }
  }

  const std::map<std::string, primitive>& primitives_;
  complaints& wrong_;
  std::vector<std::string> names_;
};

}  // namespace

kind read_kind(const std::string& name, const std::string& text, const std::map<std::string, primitive>& primitives,
               complaints& wrong) {
  wrong.enter("kinds/" + name + ".yaml", 0);
  yaml_tree tree;
  const auto* root = read_root(text, tree, wrong);
  return root ? kind_reader(primitives, wrong).read(name, *root) : kind{};
}

}  // namespace regent
