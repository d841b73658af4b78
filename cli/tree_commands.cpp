// `regent bulk VERB` and `regent tree FILE`: the same for many resources, and trees of jobs.
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "base/limits.hpp"
#include "cli/commands.hpp"
#include "cli/daemon_client.hpp"
#include "cli/daemon_options.hpp"
#include "cli/operator_name.hpp"
#include "cli/read_views.hpp"
#include "cli/saying.hpp"
#include "edge/http_query.hpp"
#include "region/bulk_order.hpp"
#include "region/json.hpp"
#include "region/tree_order.hpp"

namespace regent::cli {

namespace {

struct tree_words {
  daemon_choice where;
  std::string verb, file, reason, kind, state, project, degraded, lane;
  bool json = false, preview = false, sure = false;
};

/// An order is told, or a preview shown; the answer's own words say which.
int tell(const tree_words& said, const std::string& target, const std::string& body) {
  const auto where = daemon_addresses(said.where);
  if (!where) return complain(wrong_use, where.error().message);
  const auto answer = ask_daemon(*where, target, daemon_call::tell, body);
  if (!answer) return complain(no_daemon, answer.error().message);
  const auto parsed = parse_json(answer->body);
  if (!parsed) return complain(no_daemon, "what answered is not a regent daemon: " + parsed.error().message);
  if (said.json) std::cout << answer->body << std::flush;
  if (answer->status != 200) return said.json ? exit_of(*answer) : complain(*answer);
  if (said.json) return 0;
  if (const auto* preview = find_path(**parsed, "preview")) {
    std::cout << tree_preview_view(*preview) << std::flush;
  } else if (const auto* done = find_path(**parsed, "done"); done != nullptr && done->IsString()) {
    std::cout << done->GetString() << std::endl;
  }
  return 0;
}

int run_bulk(const tree_words& said) {
  const bool preview = said.preview || !said.sure;
  auto target = fmt::format("/api/v1/bulk/{}?by={}&preview={}", percent_encode(said.verb),
                            percent_encode(operator_name(said.reason)), preview);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", key, percent_encode(value));
  };
  add("kind", said.kind);
  add("state", said.state);
  add("project", said.project);
  add("degraded", said.degraded);
  add("lane", said.lane);
  const int exit = tell(said, target, {});
  if (exit == 0 && preview && !said.json) std::cout << "nothing was done: say it again with --yes\n";
  return exit;
}

int run_tree(const tree_words& said) {
  std::ifstream file(said.file, std::ios::binary);
  if (!file) return complain(wrong_use, fmt::format("cannot read {}", said.file));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > limits::http_body_bytes)
    return complain(wrong_use, fmt::format("{} has {} bytes; an order may have {}", said.file, text.size(),
                                           limits::http_body_bytes));
  // Here already, so that places in the file are told under its name.
  const auto checked = parse_tree_order(text);
  if (!checked.order) return complain(wrong_use, checked.text(said.file));
  const auto target =
      fmt::format("/api/v1/trees?by={}&preview={}", percent_encode(operator_name(said.reason)), said.preview);
  return tell(said, target, text);
}

void add_common(CLI::App& to, tree_words& said) {
  to.add_option("--reason", said.reason, "why, for those who read the journal later");
  to.add_flag("--preview", said.preview, "show what would be done, and do nothing");
  to.add_flag("--json", said.json, "the daemon's answer as it is");
  add_daemon_options(to, said.where);
}

}  // namespace

void add_tree_commands(CLI::App& app, int& exit) {
  auto* bulk = app.add_subcommand("bulk", "Say a word of many resources at once: shown first, done with --yes");
  const auto many = std::make_shared<tree_words>();
  bulk->add_option("VERB", many->verb,
                   "retry (what failed or is degraded), mend (what stands), cancel (open jobs), scrub (a project), or "
                   "restore (it)")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>(bulk_verb_names.begin(), bulk_verb_names.end())));
  bulk->add_option("--kind", many->kind, "such as virtual_router");
  bulk->add_option("--state", many->state, "a lifecycle state, such as unresourced");
  bulk->add_option("--project", many->project, "the cloud's id of a project");
  bulk->add_option("--degraded", many->degraded, "true or false");
  bulk->add_option("--lane", many->lane, "user, retry (unless said otherwise) or audit");
  bulk->add_flag("--yes", many->sure, "do it");
  add_common(*bulk, *many);
  bulk->callback([&exit, many] { exit = run_bulk(*many); });

  auto* tree = app.add_subcommand(
      "tree", "Run a tree of jobs from a file: what is done and waited for, beside and after each other");
  const auto one = std::make_shared<tree_words>();
  tree->add_option("FILE", one->file, "YAML or JSON; docs/operating.md, Trees of jobs")->required();
  add_common(*tree, *one);
  tree->callback([&exit, one] { exit = run_tree(*one); });
}

}  // namespace regent::cli
