// The file as text: YAML and JSON, what is cut off or garbled, where problems stand, and secrets beside it.
#include "region/region_config.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <sstream>

#include "test/region/region_file.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

TEST_CASE("JSON is read like YAML, tabs and escapes included", "[region_config]") {
  const std::string json =
      "{\n\t\"region\":\t\"cork-1\",\n\t\"cloud\": "
      "{\"url\":\"https:\\/\\/iaas.example.com\\u002f\",\"email\":\"r@x.example\",\n"
      "\t\t\"password\":{\"file\":\"/p\"},\"api_key\":{\"file\":\"/k\"}},\n"
      "\t\"hosts\":{\"me\":{\"local\":true,\"port\":2022}},\n\t\"podnet\":{\"a\":\"me\"},\n"
      "\t\"networks\":{\"tenant\":{\"type\":\"none\"}}\n}\n";
  const auto config = config_of(json);
  CHECK(config.cloud.url == "https://iaas.example.com/");
  REQUIRE(config.hosts.size() == 1);
  CHECK(config.hosts[0].local);
  CHECK(config.hosts[0].port == 2022);
  CHECK(config.podnet.enabled == host_id("me"));
}

TEST_CASE("a file that is no YAML says where it stops being it", "[region_config]") {
  struct broken {
    std::string text;
    std::string expected;
  };
  const std::vector<broken> cases{
      {"", "r:1:1: the file is empty; start from `regent config example`"},
      {"# only a comment\n", "r:1:1: the file is empty; start from `regent config example`"},
      {"---\n", "r:1:1: the file is empty; start from `regent config example`"},
      {"- region\n", "r:1:1: the file is not a map of sections; start from `regent config example`"},
      {"region: a\ncloud:\n\turl: x\n", "r:3:1: not valid YAML: a tab in the indentation; indent with spaces"},
      {"region: a: b\n",
       "r:1:10: not valid YAML: a ':' where no key can be; quote the value if the ':' belongs to it, and check the "
       "indentation"},
      {"region: a\nhosts: [{name: x}\nlisten: {}\n",
       "r:2:8: not valid YAML: the '[' opened here is never closed; add the missing ']', or a comma before here"},
      {"{\"region\": \"a\",\n \"hosts\": [1, 2\n}\n",
       "r:3:1: not valid YAML: this bracket closes nothing, or another kind of bracket; compare it with the brackets "
       "before here"},
      {"{\"region\": \"a\"",
       "r:1:1: not valid YAML: the '{' opened here is never closed; add the missing '}', or a comma before here"},
      {"region: @a\n", "r:1:9: not valid YAML: a value cannot begin with this character; quote the value"},
      {"region: 'a", "r:1:1: not valid YAML: a quote opened after this is never closed; add the missing quote"},
      {"region: a\nkinds: ['a\n",
       "r:2:8: not valid YAML: a quote opened after this is never closed; add the missing quote"},
      {"region: \"a\n", "r:1:1: not valid YAML: a quote opened after this is never closed; add the missing quote"},
      {"region: *a\n",
       "r:1:9: not valid YAML: the referenced anchor is not defined; look for a missing quote, bracket or indentation"},
      {"region: \"\\ud83d\\ude00\"\n",
       "r:1:16: not valid YAML: invalid unicode: 55357; write the character itself instead of \\u escapes"},
      {std::string("region: a\0b\n", 12),
       "r:1:10: control character U+0000 in the file; save the file as plain UTF-8 text"},
      {"region: a\nx: \x1b[31m\n", "r:2:4: control character U+001B in the file; save the file as plain UTF-8 text"},
      {"region: \xff\xfe\n", "r:1:9: byte 0xff is not valid UTF-8; save the file as plain UTF-8 text"},
      {std::string(100, '[') + std::string(100, ']'),
       "r:1:65: lists and maps nested more than 64 deep; is it the right file?"},
  };
  for (const auto& each : cases) {
    INFO(each.text.substr(0, 80));
    CHECK(problems_of(each.text) == each.expected + "\n");
  }
  CHECK(problems_of(good_file() + "---\nx: 1\n") ==
        "r:19:1: a second document begins here, and only one is read; check the indentation, and remove '---' and "
        "'...'\n");
}

TEST_CASE("anchors are followed, and one that contains itself ends", "[region_config]") {
  const auto config = config_of(file_with(12, "    host_key: &key " + std::string(key_a)) + "kinds: &k [/a]\n");
  CHECK(config.hosts[0].host_key == key_a);
  CHECK(config_of(file_with(12, "    host_key: &key " + std::string(key_a) + "\n    labels: &l [x]") + "kinds: []\n")
            .hosts[0]
            .labels.size() == 1);
  CHECK(problems_of("&r region: *r\nkinds: &k [*k]\n").find("kinds.0: a list where a single value belongs") !=
        std::string::npos);
}

TEST_CASE("more problems than anybody reads are cut, and that is said", "[region_config]") {
  std::string text = good_file();
  for (int i = 0; i < 5000; ++i) text += "unknown" + std::to_string(i) + ": x\n";
  const auto check = parse_region_config(text);
  CHECK(check.problems.size() == limits::region_problems + 1);
  CHECK(check.problems.back().message == "there are more problems than these");
  CHECK(problems_of(std::string(limits::region_file_bytes + 1, '#')).find("r: the file has more than") == 0);
}

TEST_CASE("problems come in the order of the file, each with a suggestion", "[region_config]") {
  const auto check = load_region_config("test/data/region/every_mistake.yaml");
  CHECK(check.problems.size() > 40);
  int line = 0;
  int column = 0;
  for (const auto& problem : check.problems) {
    INFO(problem.line << ":" << problem.column << " " << problem.path << " " << problem.message);
    CHECK((problem.line > line || (problem.line == line && problem.column >= column)));
    CHECK_FALSE(problem.suggestion.empty());
    line = problem.line;
    column = problem.column;
  }
}

TEST_CASE("a file that cannot be read is one problem without a line", "[region_config]") {
  CHECK(load_region_config("/nonexistent/region.yaml").text("f") ==
        "f: there is no such file; write one with `regent config example`\n");
  CHECK(load_region_config("test/data").text("f") == "f: is a directory; name the file in it\n");
}

namespace {

/// A file that goes with the test.
class temporary_file {
 public:
  explicit temporary_file(const std::string& content) {
    path_ = std::filesystem::temp_directory_path() / "regent-test-XXXXXX";
    std::string form = path_.string();
    const int file = mkstemp(form.data());
    REQUIRE(file >= 0);
    REQUIRE(write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    close(file);
    path_ = form;
  }
  ~temporary_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

using source = secret_reference::source;

std::string secret_of(const secret_reference& reference) {
  const auto secret = read_secret(reference);
  return secret ? *secret : secret.error().text();
}

}  // namespace

TEST_CASE("a good file is loaded from its path", "[region_config]") {
  const temporary_file file(good_file());
  CHECK(load_region_config(file.path()).config.has_value());
}

TEST_CASE("a secret is read when it is needed, without its last line end", "[region_config]") {
  CHECK(secret_of({source::inline_value, " x "}) == " x ");
  CHECK(secret_of({source::file, temporary_file("").path()}).find("secret_unreadable: file ") == 0);
  for (const auto& [content, secret] :
       {std::pair{"hunter2\n", "hunter2"}, {"hunter2", "hunter2"}, {"a\n\n", "a\n"}, {"a\r\n", "a"}}) {
    const temporary_file file(content);
    CHECK(secret_of({source::file, file.path()}) == secret);
  }
  setenv("REGENT_TEST_SECRET", "from outside", 1);
  CHECK(secret_of({source::environment, "REGENT_TEST_SECRET"}) == "from outside");
  unsetenv("REGENT_TEST_SECRET");
}

TEST_CASE("a secret that cannot be read is an error that names its place and not its content", "[region_config]") {
  const temporary_file empty("\n");
  const temporary_file huge(std::string(limits::secret_bytes + 1, 'x'));
  CHECK(secret_of({}) == "secret_unreadable: the region file names no source for this secret");
  CHECK(secret_of({source::file, "/nonexistent"}) ==
        "secret_unreadable: file /nonexistent: does not exist or is out of reach");
  CHECK(secret_of({source::file, "/dev/null"}) == "secret_unreadable: file /dev/null: is not a file");
  CHECK(secret_of({source::file, empty.path()}) == "secret_unreadable: file " + empty.path() + ": is empty");
  CHECK(secret_of({source::file, huge.path()}) ==
        "secret_unreadable: file " + huge.path() + ": has more than 65536 bytes");
  CHECK(secret_of({source::environment, "REGENT_NOT_SET"}) ==
        "secret_unreadable: environment variable REGENT_NOT_SET: is not set");
}

namespace {

/// Whatever the text: a configuration or problems, and never both or neither.
void check_answers(const std::string& text) {
  const auto check = parse_region_config(text);
  const bool answers = check.config.has_value() == check.problems.empty();
  if (!answers) FAIL("neither a configuration nor a problem, or both, from:\n" << text);
  for (const auto& problem : check.problems)
    if (problem.message.empty() || problem.line < 0 || problem.column < 0) FAIL("a bad problem from:\n" << text);
}

std::string example_without_comments() {
  std::istringstream lines(example_region_config());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(' ') != std::string::npos) text += line + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("the example cut off at any byte gives a configuration or problems", "[region_config]") {
  const auto text = example_without_comments();
  CHECK(parse_region_config(text).config.has_value());
  for (std::size_t size = 0; size < text.size(); ++size) check_answers(text.substr(0, size));
}

TEST_CASE("the example with bytes changed, removed and repeated gives a configuration or problems", "[region_config]") {
  const auto* given = std::getenv("SEED");
  const auto seed = given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device{}();
  INFO("replay with SEED=" << seed);
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  const auto original = example_without_comments();
  const std::string telling = "{}[]:,-#&*!|>'\"%@`?~<= \n\t\r\\0a\xc3\xff";
  for (int round = 0; round < 1000; ++round) {
    auto text = original;
    for (auto changes = random() % 5 + 1; changes > 0; --changes) {
      const auto at = random() % text.size();
      const auto length = random() % 20;
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text[at] = telling[random() % telling.size()]; break;
        case 2: text.erase(at, length); break;
        default: text.insert(random() % text.size(), text.substr(at, length));
      }
      if (text.empty()) text = "x";
    }
    check_answers(text);
  }
}
