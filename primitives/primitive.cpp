#include "primitives/primitive.hpp"

#include <algorithm>
#include <sstream>

#include "primitives/sha256.hpp"

namespace regent {
namespace {

/// The front matter without its "# ", and the number of lines before it.
struct front_matter {
  std::string text;
  int offset = 0;
  bool closed = false;
};

front_matter find_front_matter(const std::string& text) {
  front_matter out;
  std::istringstream lines(text);
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line); ++number) {
    if (line == "# ---") {
      if (inside) {
        out.closed = true;
        return out;
      }
      inside = true;
      out.offset = number + 1;
    } else if (inside) {
      if (line[0] != '#') return out;
      out.text += (line.size() > 1 ? line.substr(2) : "") + "\n";
    }
  }
  return out;
}

bool is_bash_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos &&
         (text[0] < '0' || text[0] > '9') && text != "_";
}

value_type read_type(spec_map& map) {
  const auto text = map.text("type", true);
  auto type = parse_value_type(text);
  if (!type) {
    std::vector<std::string_view> names;
    for (const auto& row : scalar_types()) names.push_back(row.name);
    map.wrong(fmt::format("no type '{}'; there are {}, list<…> of each, and table", text, fmt::join(names, ", ")));
    type = parse_value_type("text");
  }
  if (const auto least = map.integer("min")) type->least = *least;
  if (const auto most = map.integer("max")) type->most = *most;
  type->choices = map.words("of");
  if (type->scalar->name == "choice" && type->choices.empty()) map.wrong("a choice needs its words under `of`");
  return *type;
}

void check_standard(const value_type& type, const std::string& standard, spec_map& map) {
  if (standard.empty()) return;
  if (const auto checked = normal_value(type, standard); !checked) map.wrong("default: " + checked.error());
}

family_pairs read_pairs(spec_map& map) {
  family_pairs out;
  const auto* value = map.find("same_family");
  if (!value) return out;
  for (const auto* item : value->items) {
    if (item->items.size() != 2)
      map.wrong("same_family is a list of pairs of names", item);
    else
      out.emplace_back(item->items[0]->text, item->items[1]->text);
  }
  return out;
}

std::vector<table_column> read_columns(const yaml_value& value, const std::string& what, complaints& wrong) {
  std::vector<table_column> out;
  for (const auto& member : value.members) {
    spec_map map(*member.value, what + " column " + member.key->text, wrong);
    table_column column;
    column.name = member.key->text;
    if (!is_bash_name(column.name)) map.wrong("its name is not of the form [a-z_][a-z0-9_]*");
    column.type = read_type(map);
    if (column.type.list) map.wrong("a column cannot be a list");
    if (const auto* standard = map.find("default")) column.standard = standard->text;
    if (column.standard) check_standard(column.type, *column.standard, map);
    column.unique = map.flag("unique");
    column.disjoint = map.flag("disjoint");
    out.push_back(std::move(column));
  }
  if (out.empty()) wrong.add(value.line, what + " is a table without columns");
  return out;
}

void check_pairs(const family_pairs& pairs, const std::vector<std::string>& names, spec_map& map) {
  for (const auto& [first, second] : pairs)
    for (const auto& name : {first, second})
      if (std::find(names.begin(), names.end(), name) == names.end())
        map.wrong("same_family names '" + name + "', which is not there");
}

parameter_spec read_parameter(const std::string& name, const yaml_value& value, complaints& wrong) {
  const auto what = "parameter " + name;
  spec_map map(value, what, wrong);
  parameter_spec out;
  out.name = name;
  if (!is_bash_name(name) || name.rfind("regent_", 0) == 0 || name.rfind("seen_", 0) == 0)
    map.wrong("its name is not of the form [a-z_][a-z0-9_]*, or begins with regent_ or seen_");
  const auto* columns = map.find("columns");
  if (map.text("type") == "table") {
    if (columns)
      out.columns = read_columns(*columns, what, wrong);
    else
      map.wrong("a table needs columns");
    out.same_family = read_pairs(map);
    std::vector<std::string> names;
    for (const auto& column : out.columns) names.push_back(column.name);
    check_pairs(out.same_family, names, map);
  } else {
    out.type = read_type(map);
    if (columns) map.wrong("only a table has columns");
  }
  out.required = map.flag("required");
  out.secret = map.flag("secret");
  out.verbs = map.words("verbs");
  map.text("about");
  const auto* standard = map.find("default");
  const bool many = out.is_table() || out.type.list;
  if (standard && !many) check_standard(out.type, out.standard = standard->text, map);
  if (standard && many && (standard->is != yaml_value::shape::sequence || !standard->items.empty()))
    map.wrong("the default of a list or table can only be []");
  if (out.required == (standard != nullptr)) map.wrong("give it either `required: true` or a default");
  return out;
}

/// Whether `progress` is a word of the file, outside of comments.
bool calls_progress(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    for (std::string word; words >> word && word[0] != '#';)
      if (word == "progress") return true;
  }
  return false;
}

/// Functions of the file: lines of the form `name() {`.
bool has_function(const std::string& text, const std::string& name) {
  const auto head = name + "() {";
  return text.rfind(head, 0) == 0 || text.find("\n" + head) != std::string::npos;
}

void read_verbs(const yaml_value& value, const std::string& text, primitive& out, complaints& wrong) {
  spec_map all(value, "verbs", wrong);
  for (const auto& member : value.members) {
    const auto& verb = member.key->text;
    all.find(verb);
    if (!is_bash_name(verb)) all.wrong("'" + verb + "' is not of the form [a-z_][a-z0-9_]*", member.key);
    if (!has_function(text, verb)) all.wrong("there is no function " + verb + "() {", member.key);
    spec_map map(*member.value, "verb " + verb, wrong);
    auto& most = out.verbs[verb];
    most.deadline = map.span("deadline").value_or(most.deadline);
    most.stall = map.span("stall").value_or(most.stall);
    check_limits(most, out, map);
    map.text("about");
  }
  if (!out.verbs.contains("read")) all.wrong("every primitive has a verb read");
}

void check_parameter_verbs(const primitive& what, spec_map& map) {
  for (const auto& parameter : what.parameters)
    for (const auto& verb : parameter.verbs)
      if (!what.verbs.contains(verb)) map.wrong(fmt::format("parameter {}: there is no verb {}", parameter.name, verb));
}

}  // namespace

void check_limits(const verb_limits& what, const primitive& of, spec_map& map) {
  if (what.stall == milliseconds(0)) return;
  if (what.stall >= what.deadline)
    map.wrong(fmt::format("its stall of {} could never end it, for its deadline is {}", span_text(what.stall),
                          span_text(what.deadline)));
  if (!of.tells_progress)
    map.wrong("a stall is time without `progress PERCENT WORDS`, which the primitive never calls");
}

bool parameter_spec::is_for(const std::string& verb) const {
  return verbs.empty() || std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

const table_column* parameter_spec::find_column(const std::string& column) const {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.name == column; });
  return at == columns.end() ? nullptr : &*at;
}

const parameter_spec* primitive::find(const std::string& parameter) const {
  const auto at =
      std::find_if(parameters.begin(), parameters.end(), [&](const auto& one) { return one.name == parameter; });
  return at == parameters.end() ? nullptr : &*at;
}

primitive read_primitive(const std::string& name, const std::string& text, std::string_view library,
                         complaints& wrong) {
  primitive out;
  auto script = std::make_shared<const std::string>(std::string(library) + text);
  out.script = {name, script, sha256_hex(*script)};
  const auto front = find_front_matter(text);
  wrong.enter(name + ".sh", front.offset);
  if (script->size() > limits::script_bytes)
    wrong.add(0, fmt::format("longer than {} bytes with its library", limits::script_bytes));
  if (!front.closed) {
    wrong.add(0, "no front matter: lines `# …` between two lines `# ---`");
    return out;
  }
  yaml_tree tree;
  const auto* root = read_root(front.text, tree, wrong);
  if (!root) return out;
  spec_map map(*root, "front matter", wrong);
  if (const auto stated = map.text("name", true); stated != name)
    map.wrong(fmt::format("name is '{}', but the file is {}.sh", stated, name));
  out.summary = map.text("summary", true);
  if (const auto* parameters = map.find("parameters")) {
    spec_map all(*parameters, "parameters", wrong);
    for (const auto& member : parameters->members) {
      all.find(member.key->text);
      out.parameters.push_back(read_parameter(member.key->text, *member.value, wrong));
    }
  }
  out.same_family = read_pairs(map);
  std::vector<std::string> names;
  for (const auto& parameter : out.parameters) names.push_back(parameter.name);
  check_pairs(out.same_family, names, map);
  out.tells_progress = calls_progress(text);
  if (const auto* verbs = map.find("verbs"))
    read_verbs(*verbs, text, out, wrong);
  else
    map.wrong("'verbs' is missing");
  check_parameter_verbs(out, map);
  return out;
}

}  // namespace regent
