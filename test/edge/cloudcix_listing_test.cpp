#include "edge/cloudcix_wire.hpp"
#include "test/edge/cloud_fixture.hpp"
#include "test/support/catch.hpp"

using namespace regent;
using namespace regent::test;

namespace {
const std::vector<lifecycle_state> wanted{requested, running};

std::string heads(int first, int last) {
  std::string out;
  for (int id = first; id <= last; ++id) out += (out.empty() ? "" : ",") + head_json(id, 4);
  return out;
}
}  // namespace

TEST_CASE("every state has one wire number, and each number one state") {
  std::set<int> numbers;
  for (const auto& row : lifecycle_table) {
    const auto number = wire_number(row.state);
    CHECK(numbers.insert(number).second);
    CHECK(state_of_wire(number) == row.state);
  }
  CHECK(wire_number(closed) == 99);
  CHECK(wire_number(quiesced_updating) == 16);
  CHECK_FALSE(state_of_wire(18));
  CHECK_FALSE(state_of_wire(-1));
}

TEST_CASE("a listing asks by state with encoded brackets and gives id, state, stamp and project") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::json(200, list_json(head_json(3, 1), 1)); });
  const auto got = cloud.client().list("virtual_router", wanted).value();
  CHECK(cloud.server.seen().back().target ==
        "/iaas/virtual_router/?page=0&limit=100&search%5Bstate__in%5D=%281%2C4%29");
  REQUIRE(got.heads.size() == 1);
  CHECK(got.heads[0].id == resource_id{"virtual_router", "3"});
  CHECK(got.heads[0].state == requested);
  CHECK(got.heads[0].updated == "2026-11-20T10:00:00.000001");
  CHECK(got.heads[0].project == "7");
  CHECK(got.bad.empty());
}

TEST_CASE("no states are no records without asking, and a kind that the dialect lacks is none and says so") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::lost(); });
  CHECK(cloud.client().list("virtual_router", {}).value().heads.empty());
  const auto own = cloud.client().list("teapot", wanted);
  REQUIRE(own);
  CHECK(own->heads.empty());
  REQUIRE(own->bad.size() == 1);
  CHECK(own->bad[0].id == "teapot/*");
  CHECK(own->bad[0].field == "kind");
  CHECK(own->bad[0].why.find("cloudcix") != std::string::npos);
  CHECK(cloud.server.seen().empty());
  CHECK(cloud.client().read({"teapot", "1"}).error().kind == error_kind::bug);
}

TEST_CASE("an empty list is empty only if the cloud says that there is nothing") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::json(200, list_json("", 0)); });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE(got);
  CHECK(got->heads.empty());
}

TEST_CASE("whatever is not the envelope of this page is an error and never an empty list") {
  const auto body =
      GENERATE("", "{}", "[]", "null", "0", "\"\"", "<html><body>Welcome</body></html>", R"({"content":[]})",
               R"({"content":[],"_metadata":null})", R"({"content":[],"_metadata":[]})",
               R"({"content":null,"_metadata":{"page":0,"limit":100,"total_records":0,"warnings":[]}})",
               R"({"content":{},"_metadata":{"page":0,"limit":100,"total_records":0,"warnings":[]}})",
               R"({"_metadata":{"page":0,"limit":100,"total_records":0,"warnings":[]}})",
               R"({"content":[],"_metadata":{"page":0,"limit":100,"total_records":0}})",
               R"({"content":[],"_metadata":{"page":0,"limit":100,"total_records":"0","warnings":[]}})",
               R"({"content":[],"_metadata":{"page":0,"limit":100,"total_records":-1,"warnings":[]}})",
               R"({"content":[],"_metadata":{"page":0,"limit":0,"total_records":0,"warnings":[]}})",
               R"({"content":[],"_metadata":{"page":1,"limit":100,"total_records":0,"warnings":[]}})",
               R"({"content":[],"_metadata":{"page":0,"limit":100,"total_records":0,"warnings":[]}} {})",
               R"({"content":[],"_metadata":{"page":0,"limit":100,"total_rec)");
  cloud_fixture cloud([&](const seen_request&) { return scripted_answer::json(200, body); });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE_FALSE(got);
  INFO(got.error().text());
  CHECK(got.error().code == "cloud_malformed");
  CHECK(got.error().kind == error_kind::transient);
  CHECK(got.error().message.find("GET virtual_router/") != std::string::npos);
}

TEST_CASE("deeply nested JSON is an error or ignored, not the end of the process") {
  const std::string deep(2'000'000, '[');
  const bool inside = GENERATE(true, false);
  cloud_fixture cloud([&](const seen_request&) {
    if (!inside) return scripted_answer::json(200, deep);
    const auto nested = deep + std::string(deep.size(), ']');
    return scripted_answer::json(200,
                                 list_json(fmt::format(R"({{"id":1,"state":{0},"updated":"x","x":{0}}})", nested), 1));
  });
  const auto got = cloud.client().list("virtual_router", wanted);
  if (inside) {
    REQUIRE(got);
    REQUIRE(got->bad.size() == 1);
    CHECK(got->bad[0].field == "state");
  } else {
    CHECK(got.error().code == "cloud_malformed");
  }
}

TEST_CASE("an unknown filter's warning makes the listing an error") {
  cloud_fixture cloud([](const seen_request&) {
    return scripted_answer::json(200, list_json(head_json(1, 4), 1, 0, 100, R"("Invalid search filter: state__in")"));
  });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE_FALSE(got);
  CHECK(got.error().kind == error_kind::permanent);
  CHECK(got.error().code == "cloud_filter_ignored");
  CHECK(got.error().message.find("state__in") != std::string::npos);
}

TEST_CASE("a record in a state that was not asked for shows that the filter was ignored without a warning") {
  cloud_fixture cloud([](const seen_request&) { return scripted_answer::json(200, list_json(head_json(1, 6), 1)); });
  CHECK(cloud.client().list("virtual_router", wanted).error().code == "cloud_filter_ignored");
}

TEST_CASE("statuses other than 200 are errors with a stable code, the way on, and the cloud's words") {
  struct expected {
    int status;
    std::string body, code;
    error_kind kind;
    std::string words;
  };
  const auto what = GENERATE(
      expected{400, R"({"errors":{"state":{"error_code":"iaas_x_101","detail":"Bad state."}},"detail":"Bad request."})",
               "cloud_refused", error_kind::permanent, "state: iaas_x_101: Bad state."},
      expected{403, refusal_json("iaas_x_201", "Not you."), "cloud_refused", error_kind::permanent,
               "iaas_x_201: Not you."},
      expected{404, "<h1>Not Found</h1>", "cloud_http_404", error_kind::transient, "Not Found"},
      expected{405, R"({"detail":"Method not allowed."})", "cloud_http_405", error_kind::permanent,
               "Method not allowed."},
      expected{500, "<h1>Server Error (500)</h1>", "cloud_http_500", error_kind::transient, "Server Error"},
      expected{502, "", "cloud_http_502", error_kind::transient, "empty"},
      expected{204, "", "cloud_malformed", error_kind::transient, "204"});
  cloud_fixture cloud([&](const seen_request&) { return scripted_answer::json(what.status, what.body); });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE_FALSE(got);
  INFO(got.error().text());
  CHECK(got.error().code == what.code);
  CHECK(got.error().kind == what.kind);
  CHECK(got.error().message.find(what.words) != std::string::npos);
}

TEST_CASE("a redirect is not followed, and the error names it") {
  cloud_fixture cloud([](const seen_request&) {
    auto moved = scripted_answer::json(301, "");
    moved.headers = {{"Location", "/elsewhere/"}};
    return moved;
  });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "cloud_redirected");
  CHECK(got.error().message.find("/elsewhere/") != std::string::npos);
  CHECK(cloud.server.count("GET", "virtual_router/") == 1);
}

TEST_CASE("all pages are read, also when the cloud takes another limit than asked for") {
  const int limit = GENERATE(2, 3);
  cloud_fixture cloud([&](const seen_request& request) {
    const int page = std::stoi(parameter(request, "page"));
    return scripted_answer::json(200,
                                 list_json(heads(page * limit + 1, std::min(7, page * limit + limit)), 7, page, limit));
  });
  cloud.config.page_limit = 2;
  const auto got = cloud.client().list("virtual_router", wanted).value();
  CHECK(got.heads.size() == 7);
  CHECK(parameter(cloud.server.seen().at(1), "limit") == "2");  // 0 is the login
}

namespace {
/// A cloud with these rows, that pages as it is asked to.
cloud_server::script paging(std::vector<std::string> rows) {
  return [=](const seen_request& request) {
    const auto page = std::stoul(parameter(request, "page"));
    const auto limit = std::stoul(parameter(request, "limit"));
    std::string some;
    for (auto i = page * limit; i < std::min(rows.size(), (page + 1) * limit); ++i)
      some += (some.empty() ? "" : ",") + rows[i];
    return scripted_answer::json(200, list_json(some, rows.size(), static_cast<int>(page), static_cast<int>(limit)));
  };
}

std::string long_head_json(int id, std::size_t more_bytes) {
  return fmt::format(R"({{"id":{},"state":4,"updated":"x","project":null,"more":"{}"}})", id,
                     std::string(more_bytes, 'x'));
}
}  // namespace

TEST_CASE("a page that is too long for an answer is read in parts, in as few as can be") {
  const int page_limit = GENERATE(100, 7, 30);
  std::vector<std::string> rows;
  for (int id = 1; id <= 60; ++id) rows.push_back(long_head_json(id, 50));
  for (const auto at : {3, 4, 5, 40}) rows[static_cast<std::size_t>(at)] = long_head_json(at + 1, 3000);
  cloud_fixture cloud(paging(rows));
  cloud.config.page_limit = page_limit;
  cloud.body_most = 9'000;
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE((got ? std::string() : got.error().text()) == "");
  CHECK(got->heads.size() == 60);
  CHECK(got->bad.empty());
  CHECK(cloud.server.count("GET", "virtual_router/") < 30);
}

TEST_CASE("a record that alone is too long is named by its place and stops no other") {
  std::vector<std::string> rows;
  for (int id = 1; id <= 60; ++id) rows.push_back(long_head_json(id, 50));
  const auto where =
      GENERATE(std::vector<std::size_t>{0}, std::vector<std::size_t>{59}, std::vector<std::size_t>{8, 9, 33});
  for (const auto at : where) rows[at] = long_head_json(static_cast<int>(at) + 1, 30'000);
  cloud_fixture cloud(paging(rows));
  cloud.body_most = 9'000;
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE((got ? std::string() : got.error().text()) == "");
  CHECK(got->heads.size() == 60 - where.size());
  REQUIRE(got->bad.size() == where.size());
  for (std::size_t i = 0; i < where.size(); ++i) {
    CHECK(got->bad[i].id == "virtual_router/?");
    CHECK(got->bad[i].field == fmt::format("content.{}", where[i]));
    CHECK(got->bad[i].why.find(fmt::format("page={}&limit=1&", where[i])) != std::string::npos);
    CHECK(got->bad[i].why.find("longer than 9000 bytes") != std::string::npos);
  }
}

TEST_CASE("a list of one record that is too long is whole, with that one bad") {
  cloud_fixture cloud(paging({long_head_json(1, 30'000)}));
  cloud.body_most = 9'000;
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE(got);
  CHECK(got->heads.empty());
  CHECK(got->bad.size() == 1);
}

TEST_CASE("a cloud whose every answer is too long, or that does not page as asked, is an error and asked no end") {
  const bool deaf = GENERATE(true, false);
  cloud_fixture cloud([=](const seen_request& request) {
    if (deaf && parameter(request, "limit") != "100")
      return scripted_answer::json(200, list_json(heads(1, 3), 3, 0, 100));
    return scripted_answer::json(200, std::string(30'000, ' '));
  });
  cloud.body_most = 9'000;
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == (deaf ? "cloud_malformed" : "cloud_too_long"));
  CHECK(got.error().kind == error_kind::transient);
  CHECK(cloud.server.count("GET", "virtual_router/") < 200);
}

TEST_CASE("pages that overlap are read again until every record was seen") {
  std::atomic<int> reading = 0;
  cloud_fixture cloud([&](const seen_request& request) {
    const bool first_page = parameter(request, "page") == "0";
    if (first_page) ++reading;
    const auto rows = first_page ? heads(1, 2) : reading < 3 ? heads(2, 3) : heads(3, 4);
    return scripted_answer::json(200, list_json(rows, 4, first_page ? 0 : 1, 2));
  });
  const auto got = cloud.client().list("virtual_router", wanted).value();
  CHECK(got.heads.size() == 4);
  CHECK(reading == 3);
}

TEST_CASE("pages that never give all records, or a total that keeps changing, end as an error") {
  const bool changing = GENERATE(true, false);
  std::atomic<int> asked = 0;
  cloud_fixture cloud([&](const seen_request& request) {
    const int page = std::stoi(parameter(request, "page"));
    ++asked;
    if (changing)
      return scripted_answer::json(200, list_json(page == 0 ? heads(1, 2) : heads(3, 3), page == 0 ? 4 : 3, page, 2));
    return scripted_answer::json(200, list_json(page == 0 ? heads(1, 2) : heads(2, 3), 4, page, 2));
  });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "cloud_listing_unstable");
  CHECK(got.error().kind == error_kind::transient);
  CHECK(asked == 8);
}

TEST_CASE("a page that is missing is an error, not a shorter list") {
  const auto second = GENERATE(scripted_answer::json(500, ""), scripted_answer::json(200, ""), scripted_answer::lost(),
                               scripted_answer::json(200, list_json("", 4, 1, 2)));
  cloud_fixture cloud([&](const seen_request& request) {
    return parameter(request, "page") == "0" ? scripted_answer::json(200, list_json(heads(1, 2), 4, 0, 2)) : second;
  });
  CHECK_FALSE(cloud.client().list("virtual_router", wanted));
}

TEST_CASE("a malformed record is named with id and field, and the others stay") {
  struct bad {
    std::string row, id, field;
  };
  const auto what =
      GENERATE(bad{R"({"id":2,"state":77,"updated":"x","project":null})", "virtual_router/2", "state"},
               bad{R"({"id":2,"state":"4","updated":"x","project":null})", "virtual_router/2", "state"},
               bad{R"({"id":2,"state":4.5,"updated":"x","project":null})", "virtual_router/2", "state"},
               bad{R"({"id":2,"state":4,"project":null})", "virtual_router/2", "updated"},
               bad{R"({"id":2,"state":4,"updated":"a\nb","project":null})", "virtual_router/2", "updated"},
               bad{R"({"id":2,"state":4,"updated":"x","project":{"id":"7"}})", "virtual_router/2", "project.id"},
               bad{R"({"id":2,"state":4,"updated":"x","project":[]})", "virtual_router/2", "project"},
               bad{R"({"id":-2,"state":4,"updated":"x","project":null})", "virtual_router/-2", "id"},
               bad{R"({"id":"2","state":4,"updated":"x","project":null})", "virtual_router/?", "id"},
               bad{R"({"state":4,"updated":"x"})", "virtual_router/?", "id"}, bad{"null", "virtual_router/?", ""},
               bad{"[2]", "virtual_router/?", ""});
  cloud_fixture cloud([&](const seen_request&) {
    return scripted_answer::json(200, list_json(head_json(1, 4) + "," + what.row + "," + head_json(3, 1), 3));
  });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE(got);
  CHECK(got->heads.size() == 2);
  REQUIRE(got->bad.size() == 1);
  CHECK(got->bad[0].id == what.id);
  CHECK(got->bad[0].field == what.field);
  CHECK_FALSE(got->bad[0].why.empty());
}

TEST_CASE("an id that one page gives twice is bad if the two differ, and one record if they do not") {
  const int second_state = GENERATE(4, 1);
  cloud_fixture cloud([&](const seen_request&) {
    return scripted_answer::json(
        200, list_json(head_json(1, 4) + "," + head_json(2, 4) + "," + head_json(2, second_state), 3));
  });
  const auto got = cloud.client().list("virtual_router", wanted);
  REQUIRE(got);
  CHECK(got->heads.size() == (second_state == 4 ? 2 : 1));
  CHECK(got->bad.size() == (second_state == 4 ? 0 : 1));
}

namespace {
std::string group(const std::string& build, const std::string& scrub = "") {
  return fmt::format(R"({{"build":[{0}],"quiesce":[],"restart":[],"scrub":[{1}],"scrubprep":[{1}],"updatequiesced":[],)"
                     R"("updaterunning":[],"quiesced_update":[],"running_update":[]}})",
                     build, scrub);
}

std::string hints(const std::string& projects, const std::string& merged, const std::string& real,
                  const std::string& phantom) {
  return one_json(fmt::format(
      R"({{"project_ids":[{}],"resource":{{"virtual_router":{},"virtual_router_phantom":{},"vm_kvm":{}}},"virtual_routers":{},"vms":{}}})",
      projects, real, phantom, group("55"), merged, group("55")));
}
}  // namespace

TEST_CASE("changes are each router once, in the order of the ordered groups, and are taken back by project") {
  cloud_fixture cloud([](const seen_request& request) {
    if (request.method == "POST") return scripted_answer::json(200, "");
    return scripted_answer::json(200, hints("7,7,9,7", group("2,9,4,3", "5"), group("4,2", "5"), group("9")));
  });
  CHECK(cloud.client().acknowledge_changes());
  CHECK(cloud.server.seen().empty());
  std::vector<std::string> ids;
  const auto changed = cloud.client().changes().value();
  for (const auto& id : changed) ids.push_back(id.text());
  CHECK(ids == std::vector<std::string>{"virtual_router/4", "virtual_router/2", "virtual_router/5", "virtual_router/9",
                                        "virtual_router/3"});
  CHECK(cloud.shared_session()->is_phantom({"virtual_router", "9"}));
  CHECK_FALSE(cloud.shared_session()->is_phantom({"virtual_router", "4"}));
  REQUIRE(cloud.client().changes());
  REQUIRE(cloud.client().acknowledge_changes());
  CHECK(cloud.server.seen().back().body == R"({"project_ids":[7,9]})");
  REQUIRE(cloud.client().acknowledge_changes());
  CHECK(cloud.server.count("POST", "run_robot/") == 1);
}

TEST_CASE("an acknowledgement that fails is kept, one that is refused is dropped") {
  std::atomic<int> posts = 0;
  cloud_fixture cloud([&](const seen_request& request) {
    if (request.method == "GET") return scripted_answer::json(200, hints("7", group("1"), group("1"), group("")));
    if (++posts == 1) return scripted_answer::json(500, "");
    return scripted_answer::json(400, refusal_json("iaas_run_robot_turn_off_103", "No such project."));
  });
  REQUIRE(cloud.client().changes());
  CHECK(cloud.client().acknowledge_changes().error().code == "cloud_http_500");
  const auto refused = cloud.client().acknowledge_changes();
  CHECK(refused.error().code == "cloud_refused");
  CHECK(refused.error().message.find("iaas_run_robot_turn_off_103") != std::string::npos);
  CHECK(cloud.client().acknowledge_changes());
  CHECK(posts == 2);
}

TEST_CASE("a malformed poll is an error and never no news") {
  const auto body =
      GENERATE("", "{}", R"({"content":[]})", R"({"content":{}})", R"({"content":{"project_ids":[],"resource":{}}})",
               R"({"content":{"project_ids":[],"resource":[],"virtual_routers":{}}})",
               R"({"content":{"project_ids":[],"resource":{},"virtual_routers":[1]}})",
               R"({"content":{"project_ids":[],"resource":{},"virtual_routers":{"build":[1,"2"]}}})",
               R"({"content":{"project_ids":[],"resource":{},"virtual_routers":{"build":{"1":1}}}})",
               R"({"content":{"project_ids":null,"resource":{},"virtual_routers":{"build":[1]}}})");
  cloud_fixture cloud([&](const seen_request&) { return scripted_answer::json(200, body); });
  const auto got = cloud.client().changes();
  REQUIRE_FALSE(got);
  CHECK(got.error().code == "cloud_malformed");
}

TEST_CASE("an unknown dialect and a wrong address are refused when the client is made") {
  cloud_config config;
  const system_clock time;
  config.url = "http://127.0.0.1:1/";
  const auto session = make_cloud_session(config, time);
  CHECK(make_cloud(config, session));
  config.dialect = "weather";
  CHECK(make_cloud(config, session).error().code == "dialect_unknown");
  config.dialect = "cloudcix";
  config.url = "cloud";
  CHECK(make_cloud(config, session).error().code == "url_malformed");
}
