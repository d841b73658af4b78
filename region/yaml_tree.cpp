#include "region/yaml_tree.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace regent {
namespace {

constexpr std::size_t yaml_depth_most = 64;  ///< nested lists and maps; a region file needs four

struct too_deep {
  YAML::Mark at;
};

/// Builds the tree from yaml-cpp's events: unlike YAML::Node they keep duplicate keys and every position.
class tree_builder final : public YAML::EventHandler {
 public:
  explicit tree_builder(yaml_tree& tree) : tree_(tree) {}

  const yaml_value* root = nullptr;
  std::vector<YAML::Mark> documents;

  const yaml_value* innermost_open() const { return open_.empty() ? nullptr : open_.back().value; }

  bool empty() const { return tree_.empty(); }
  const yaml_value& last() const { return tree_.back(); }

  void OnDocumentStart(const YAML::Mark& mark) override { documents.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto* made = make(yaml_value::shape::null, mark, anchor);
    const auto* key = open_.empty() ? nullptr : open_.back().key;
    if (key != nullptr && key->line < made->line) {
      // Of a value that is not there yaml-cpp marks whatever comes next.
      made->line = key->line;
      made->column = key->column;
    }
    place(made);
  }
  void OnAlias(const YAML::Mark&, YAML::anchor_t anchor) override { place(anchors_.at(anchor)); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto* made = make(yaml_value::shape::scalar, mark, anchor);
    made->text = value;
    made->quoted = tag != "?";  // yaml-cpp's mark of a plain scalar without a tag
    place(made);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    enter(make(yaml_value::shape::sequence, mark, anchor), mark);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    enter(make(yaml_value::shape::map, mark, anchor), mark);
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct container {
    yaml_value* value;
    const yaml_value* key = nullptr;  ///< a map's key that still waits for its value
  };

  yaml_value* make(yaml_value::shape is, const YAML::Mark& mark, YAML::anchor_t anchor) {
    auto& made = tree_.emplace_back();
    made.is = is;
    made.line = mark.line + 1;
    made.column = mark.column + 1;
    if (anchor != 0) anchors_[anchor] = &made;
    return &made;
  }

  void enter(yaml_value* value, const YAML::Mark& mark) {
    if (open_.size() >= yaml_depth_most) throw too_deep{mark};
    place(value);
    open_.push_back({value});
  }

  void place(const yaml_value* value) {
    if (open_.empty()) {
      if (root == nullptr) root = value;
    } else if (auto& in = open_.back(); in.value->is == yaml_value::shape::sequence) {
      in.value->items.push_back(value);
    } else if (in.key == nullptr) {
      in.key = value;
    } else {
      in.value->members.push_back({in.key, value});
      in.key = nullptr;
    }
  }

  yaml_tree& tree_;
  std::vector<container> open_;
  std::map<YAML::anchor_t, const yaml_value*> anchors_;
};

struct position {
  int line;
  int column;
};

position position_of(const std::string& text, std::size_t offset) {
  const auto before = std::string_view(text).substr(0, offset);
  const auto line_end = before.rfind('\n');
  const auto start = line_end == std::string_view::npos ? 0 : line_end + 1;
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1, static_cast<int>(offset - start) + 1};
}

/// What no text file has, wherever it stands: yaml-cpp would guess another encoding or let it pass.
std::optional<config_problem> find_bad_byte(const std::string& text) {
  rapidjson::MemoryStream in(text.data(), text.size());
  while (in.Tell() < text.size()) {
    const auto offset = in.Tell();
    unsigned code = 0;
    const bool valid = rapidjson::UTF8<>::Decode(in, &code);
    const bool control = (code < 0x20 && code != '\n' && code != '\r' && code != '\t') || (code >= 0x7f && code < 0xa0);
    if (valid && !control) continue;
    const auto [line, column] = position_of(text, offset);
    return config_problem{
        line, column, "",
        valid ? fmt::format("control character U+{:04X} in the file", code)
              : fmt::format("byte 0x{:02x} is not valid UTF-8", static_cast<unsigned char>(text[offset])),
        "save the file as plain UTF-8 text"};
  }
  return std::nullopt;
}

std::string_view line_of(const std::string& text, int line) {
  std::string_view rest = text;
  while (--line > 0) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  return rest.substr(0, rest.find('\n'));
}

/// yaml-cpp's exception in our words. Where its mark or its message misleads, ours replaces it.
config_problem syntax_problem(const YAML::Exception& what, const std::string& text, const tree_builder& builder) {
  config_problem problem{what.mark.line + 1, what.mark.column + 1, "", "not valid YAML: " + what.msg,
                         "look for a missing quote, bracket or indentation"};
  if (what.mark.is_null()) problem.line = problem.column = 1;
  const auto broken = line_of(text, problem.line);
  const auto indent = broken.substr(0, broken.find_first_not_of(" \t"));
  const auto* open = builder.innermost_open();
  if (what.msg.find("flow not found") != std::string::npos && open != nullptr) {
    // The mark of this one is that of the file's beginning.
    problem.line = open->line;
    problem.column = open->column;
    const bool list = open->is == yaml_value::shape::sequence;
    problem.message = fmt::format("not valid YAML: the '{}' opened here is never closed", list ? '[' : '{');
    problem.suggestion = fmt::format("add the missing '{}', or a comma before here", list ? ']' : '}');
  } else if (const auto tab = indent.find('\t'); tab != std::string_view::npos) {
    problem.column = static_cast<int>(tab) + 1;
    problem.message = "not valid YAML: a tab in the indentation";
    problem.suggestion = "indent with spaces";
  } else if (what.msg == "illegal map value") {
    problem.message = "not valid YAML: a ':' where no key can be";
    problem.suggestion = "quote the value if the ':' belongs to it, and check the indentation";
  } else if ((what.msg == "illegal document indicator in scalar" || what.msg == "illegal EOF in scalar") &&
             !builder.empty()) {
    problem.line = builder.last().line;
    problem.column = builder.last().column;
    problem.message = "not valid YAML: a quote opened after this is never closed";
    problem.suggestion = "add the missing quote";
  } else if (what.msg == "illegal flow end") {
    problem.message = "not valid YAML: this bracket closes nothing, or another kind of bracket";
    problem.suggestion = "compare it with the brackets before here";
  } else if (what.msg == "unknown token") {
    problem.message = "not valid YAML: a value cannot begin with this character";
    problem.suggestion = "quote the value";
  } else if (what.msg.rfind("invalid unicode", 0) == 0) {
    problem.suggestion = "write the character itself instead of \\u escapes";
  }
  return problem;
}

}  // namespace

const yaml_value* read_yaml(const std::string& text, yaml_tree& tree, std::vector<config_problem>& problems) {
  if (auto bad = find_bad_byte(text)) {
    problems.push_back(std::move(*bad));
    return nullptr;
  }
  tree_builder builder(tree);
  try {
    // With an end marker yaml-cpp notices a quote that is never closed; without one it may take the file's end for the
    // other.
    std::istringstream in(text + "\n...\n");
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder) && builder.documents.size() < 2) {
    }
  } catch (const YAML::Exception& what) {
    problems.push_back(syntax_problem(what, text, builder));
    return nullptr;
  } catch (const too_deep& what) {
    problems.push_back({what.at.line + 1, what.at.column + 1, "",
                        fmt::format("lists and maps nested more than {} deep", yaml_depth_most),
                        "is it the right file?"});
    return nullptr;
  } catch (const std::exception& what) {
    problems.push_back(
        {1, 1, "", fmt::format("not valid YAML: {}", what.what()), "compare it with `regent config example`"});
    return nullptr;
  }
  if (builder.documents.size() > 1) {
    const auto& second = builder.documents[1];
    problems.push_back({second.line + 1, second.column + 1, "", "a second document begins here, and only one is read",
                        "check the indentation, and remove '---' and '...'"});
  }
  if (builder.root == nullptr)
    problems.push_back({1, 1, "", "the file is empty", "start from `regent config example`"});
  return builder.root;
}

}  // namespace regent
