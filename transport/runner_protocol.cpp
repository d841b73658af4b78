#include "transport/runner_protocol.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "transport/quote.hpp"

namespace regent {

std::string_view name(run_status status) {
  switch (status) {
    case run_status::finished: return "finished";
    case run_status::running: return "running";
    case run_status::never_seen: return "never_seen";
    case run_status::lost: return "lost";
    case run_status::refused: return "refused";
  }
  return "?";
}

}  // namespace regent

namespace regent::runner {
namespace {

constexpr std::string_view greeting = "\nREGENT/1\n";
constexpr std::size_t noise_bytes = 64 * 1024;
constexpr std::size_t line_bytes = 512;
constexpr std::size_t name_bytes = 64;

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

template <class Predicate>
bool made_of(std::string_view text, std::size_t most, Predicate allowed) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), allowed);
}

bool has_nul(std::string_view text) { return text.find('\0') != text.npos; }

std::string frame(std::string header, std::string_view values = {}) {
  std::string whole = fmt::format("{:07} {:07}\n{}", header.size(), values.size(), header);
  return whole.append(values);
}

/// Any text as a file name's part: what is not harmless becomes %XX.
std::string file_word(std::string_view text) {
  std::string word;
  for (char c : text.substr(0, name_bytes)) {
    if (lower(c) || upper(c) || digit(c) || c == '-' || c == '_') {
      word += c;
    } else {
      word += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return word.empty() ? "%" : word;
}

failure invalid(const run_request& request, std::string_view why) {
  return fail(error_kind::permanent, "invalid_run", "run {}: {}", request.run.value(), why);
}

/// The words and the bytes of all parameters.
result<void> add_parameters(const run_request& request, std::string& header, std::string& values) {
  auto add = [&](const std::string& value) {
    values += value;
    return !has_nul(value) && values.size() <= limits::run_parameters_total_bytes;
  };
  for (const run_parameter& each : request.parameters) {
    if (!valid_parameter(each.name)) {
      return invalid(request, "a parameter cannot have the name '" + each.name.substr(0, name_bytes) + "'");
    }
    bool fits = true;
    if (const auto* text = std::get_if<std::string>(&each.value)) {
      header += fmt::format(" {}={}", each.name, text->size());
      fits = add(*text);
    } else {
      const auto& list = std::get<std::vector<std::string>>(each.value);
      header += fmt::format(" {}[]={}:", each.name, list.size());
      for (std::size_t i = 0; i < list.size() && fits; ++i) {
        header += fmt::format("{}{}", i == 0 ? "" : ",", list[i].size());
        fits = add(list[i]);
      }
    }
    if (!fits) return invalid(request, "parameter " + each.name + " has a NUL byte, or all are over their limit");
  }
  return {};
}

std::string sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

result<std::string> of_one(std::string_view word, const run_id& run) {
  if (!valid_run(run.value())) {
    return fail(error_kind::permanent, "invalid_run", "malformed run id of {} bytes", run.value().size());
  }
  return frame(fmt::format("{} {}", word, run.value()));
}

template <class Number>
bool number(std::string_view text, Number& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc() && end == text.data() + text.size();
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

/// A report's line; lengths of output and errors in `sizes`.
std::optional<run_report> read_report(const std::vector<std::string_view>& w, std::array<std::size_t, 2>& sizes) {
  run_report report;
  int timed = 0, cancelled = 0, truncated = 0;
  std::int64_t took = 0;
  if (w.size() != 11 || !valid_run(w[1]) || !number(w[4], report.exit_code) || !number(w[5], timed) ||
      !number(w[6], cancelled) || !number(w[7], truncated) || !number(w[8], took) || !number(w[9], sizes[0]) ||
      !number(w[10], sizes[1])) {
    return {};
  }
  bool known = false;
  for (run_status each : {run_status::finished, run_status::never_seen, run_status::lost, run_status::refused}) {
    if (w[2] == name(each)) {
      report.status = each;
      known = true;
    }
  }
  if (!known) return {};
  report.run = run_id(std::string(w[1]));
  report.boot_id = w[3];
  report.timed_out = timed == 0 ? time_limit::none : timed == 2 ? time_limit::stall : time_limit::deadline;
  report.cancelled = cancelled != 0;
  report.truncated = truncated != 0;
  report.took = milliseconds(took);
  return report;
}

/// The line on a run under way; the length of its words in `size`.
std::optional<run_report> read_running(const std::vector<std::string_view>& w, std::size_t& size) {
  int percent = 0;
  std::int64_t age = 0;
  if (w.size() != 6 || !valid_run(w[1]) || (w[3] != "-" && !number(w[3], percent)) || !number(w[4], age) ||
      !number(w[5], size)) {
    return {};
  }
  run_report report;
  report.status = run_status::running;
  report.run = run_id(std::string(w[1]));
  report.boot_id = w[2];
  if (age < 0) return report;
  report.progress.emplace();
  if (w[3] != "-" && percent >= 0 && percent <= 100) report.progress->percent = percent;
  report.progress->age = std::min(milliseconds(age), milliseconds(limits::step_deadline_most));  // no run is older
  return report;
}

/// Words for people, whatever a host takes for such: one line, not too long.
std::string one_line(std::string_view words) {
  std::string line(words.substr(0, limits::progress_words_bytes));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return line;
}

}  // namespace

bool valid_run(std::string_view id) {
  return made_of(id, 64, [](char c) { return lower(c) || digit(c) || c == '-'; });
}

bool valid_hash(std::string_view hash) {
  return hash.size() == 64 && made_of(hash, 64, [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
}

bool valid_verb(std::string_view verb) {
  return made_of(verb, name_bytes, [](char c) { return lower(c) || digit(c) || c == '_'; }) && !digit(verb[0]) &&
         !verb.starts_with("_r_");
}

bool valid_region(std::string_view name) {
  return made_of(name, 64, [](char c) { return lower(c) || upper(c) || digit(c) || c == '_' || c == '-'; });
}

bool valid_scope(std::string_view scope) {
  if (scope.empty()) return true;
  const auto fits = [](char c) {
    return lower(c) || upper(c) || digit(c) || c == '_' || c == '.' || c == '-' || c == '/';
  };
  return made_of(scope, 200, fits) && scope != "-" && scope[0] != '.' && scope.find("/.") == scope.npos;
}

bool valid_parameter(std::string_view name) {
  static constexpr std::array<std::string_view, 29> steering = {
      "_",          "CDPATH",  "DIRSTACK", "ENV",      "EPOCHREALTIME", "EPOCHSECONDS", "EUID",
      "EXECIGNORE", "FIGNORE", "FUNCNAME", "FUNCNEST", "GLOBIGNORE",    "GROUPS",       "HISTFILE",
      "HOME",       "IFS",     "LINENO",   "OLDPWD",   "OPTIND",        "PATH",         "PIPESTATUS",
      "PPID",       "PS4",     "PWD",      "RANDOM",   "SECONDS",       "SHELLOPTS",    "SRANDOM",
      "UID"};
  if (!made_of(name, name_bytes, [](char c) { return lower(c) || upper(c) || digit(c) || c == '_'; })) return false;
  if (digit(name[0]) || std::find(steering.begin(), steering.end(), name) != steering.end()) return false;
  for (std::string_view prefix : {"_R_", "BASH", "COMP_", "LC_", "LANG", "LD_", "POSIXLY_", "REGENT_", "regent_"}) {
    if (name.starts_with(prefix)) return false;
  }
  return true;
}

std::string start_command(std::size_t runner_bytes, bool become) {
  const std::string bootstrap = fmt::format("IFS= read -r -N {} _R_program && eval \"$_R_program\"", runner_bytes);
  return std::string("exec ") + (become ? "sudo -n -- " : "") +
         "env -i LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
         "bash --noprofile --norc -c " +
         shell_quote(bootstrap) + " regent-runner";
}

result<std::string> hello(std::string_view region, const host_id& host, epoch_number epoch,
                          std::string_view directory) {
  if (!valid_region(region)) {
    return fail(error_kind::permanent, "invalid_region", "'{}' cannot name a region on hosts", region);
  }
  if (directory.empty() || directory[0] != '/' || has_nul(directory) || directory.size() > 1024) {
    return fail(error_kind::permanent, "invalid_state_directory", "'{}' is not an absolute path", directory);
  }
  return frame(fmt::format("hello {} {} {}", region, file_word(host.value()), epoch), directory);
}

result<std::string> script(std::string_view hash, std::string_view text) {
  if (!valid_hash(hash)) return fail(error_kind::permanent, "invalid_script", "malformed script hash");
  if (text.size() > limits::script_bytes || has_nul(text)) {
    return fail(error_kind::permanent, "invalid_script", "script {} has a NUL byte or is over {} bytes", hash,
                limits::script_bytes);
  }
  if (sha256(text) != hash) {
    return fail(error_kind::permanent, "invalid_script", "the script does not match its hash {}", hash);
  }
  return frame(fmt::format("script {}", hash), text);
}

result<std::string> run(const run_request& request) {
  if (!valid_run(request.run.value())) return invalid(request, "malformed id");
  if (!valid_hash(request.script_hash)) return invalid(request, "malformed script hash");
  if (!valid_verb(request.verb)) return invalid(request, "malformed verb");
  if (request.deadline <= milliseconds(0) || request.deadline > milliseconds(limits::step_deadline_most)) {
    return invalid(request, "a deadline must be above 0 and not over the limit");
  }
  if (request.stall < milliseconds(0) || request.stall > milliseconds(limits::step_deadline_most)) {
    return invalid(request, "a stall must not be below 0 or over the limit");
  }
  if (!valid_scope(request.scope)) return invalid(request, "malformed scope");
  std::string scope = request.scope.empty() ? "-" : request.scope;
  std::replace(scope.begin(), scope.end(), '/', '=');  // it names a file
  std::string header = fmt::format("run {} {} {} {} {} {} {} {} {}", request.run.value(), request.epoch,
                                   request.script_hash, request.verb, request.deadline.count(), request.stall.count(),
                                   std::min(request.output_cap, limits::run_output_kept_bytes),
                                   milliseconds(limits::cancel_grace).count(), scope);
  std::string values;
  if (auto added = add_parameters(request, header, values); !added) return failure(added.error());
  if (header.size() > limits::run_parameters_total_bytes) return invalid(request, "too many parameters");
  return frame(std::move(header), values);
}

result<std::string> ask(const run_id& run) { return of_one("ask", run); }

result<std::string> cancel(const run_id& run) { return of_one("cancel", run); }

std::string forget(std::span<const run_id> runs) {
  std::string header = "forget";
  for (const run_id& each : runs) {
    if (valid_run(each.value())) header += " " + each.value();
  }
  return header == "forget" ? std::string() : frame(std::move(header));
}

std::string ping(std::uint64_t number) { return frame(fmt::format("ping {}", number)); }

void reader::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_.append(bytes);
}

bool reader::skip_noise() {
  const std::size_t found = buffer_.find(greeting, at_);
  if (found == buffer_.npos) return false;
  at_ = found + greeting.size();
  greeted_ = true;
  return true;
}

result<std::optional<message>> reader::next() {
  auto garbage = [](std::string_view what) {
    return fail(error_kind::transient, "protocol_broken", "the host's runner sent {}", what);
  };
  if (!greeted_ && !skip_noise()) {
    if (buffer_.size() > noise_bytes) return garbage("no greeting");
    return std::nullopt;
  }
  const std::size_t line_end = rest().find('\n');
  if (line_end == std::string_view::npos) {
    if (rest().size() > line_bytes) return garbage("a line without an end");
    return std::nullopt;
  }
  const std::vector<std::string_view> words = words_of(rest().substr(0, line_end));
  std::array<std::size_t, 2> sizes = {0, 0};
  message what;
  if (words.size() == 2 && words[0] == "ready") {
    what = ready{std::string(words[1])};
  } else if (words.size() == 3 && words[0] == "pong") {
    pong answer;
    std::int64_t load = 0;
    if (!number(words[1], answer.number) || (words[2] != "-" && !number(words[2], load)))
      return garbage("a malformed pong");
    if (words[2] != "-") answer.load = load;
    what = answer;
  } else if (words.size() == 3 && words[0] == "unfit") {
    if (!number(words[2], sizes[1])) return garbage("a malformed refusal");
    what = unfit{std::string(words[1]), ""};
  } else if (!words.empty() && words[0] == "running") {
    auto report = read_running(words, sizes[1]);
    if (!report) return garbage("a malformed word on a run under way");
    what = std::move(*report);
  } else if (!words.empty() && words[0] == "report") {
    auto report = read_report(words, sizes);
    if (!report) return garbage("a malformed report");
    what = std::move(*report);
  } else {
    return garbage("an unknown message");
  }
  if (sizes[0] > limits::frame_bytes || sizes[1] > limits::frame_bytes) return garbage("too long a message");
  if (rest().size() < line_end + 1 + sizes[0] + sizes[1]) return std::nullopt;
  at_ += line_end + 1;
  std::string first(rest().substr(0, sizes[0])), second(rest().substr(sizes[0], sizes[1]));
  at_ += sizes[0] + sizes[1];
  if (auto* report = std::get_if<run_report>(&what); report != nullptr && report->status == run_status::running) {
    if (report->progress) report->progress->words = one_line(second);
  } else if (report != nullptr) {
    report->output = std::move(first);
    report->errors = std::move(second);
  } else if (auto* refusal = std::get_if<unfit>(&what)) {
    refusal->why = std::move(second);
  }
  return std::optional<message>(std::move(what));
}

}  // namespace regent::runner
