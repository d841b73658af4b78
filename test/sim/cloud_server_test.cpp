#include <atomic>
#include <thread>

#include "sim/cloud_server.hpp"
#include "test/sim/http_caller.hpp"
#include "test/sim/own_certificate.hpp"
#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

namespace {

cloud_sim_options small_region() {
  cloud_sim_options options;
  options.records.servers.emplace_back();
  options.records.projects.push_back(small_project());
  options.face.requests_per_second = 0;
  return options;
}

struct server_fixture {
  system_clock time;
  std::unique_ptr<cloud_sim> sim;

  explicit server_fixture(const cloud_sim_options& options = small_region()) {
    auto started = start_cloud_sim(options, time);
    if (!started) FAIL(started.error().text());
    sim = std::move(*started);
  }
  std::string log_in(http_caller& caller) const {
    const auto said = caller.send("POST", "/auth/login/", "",
                                  R"({"email":"robot@sim.test","password":"robot-password","api_key":"robot-key"})");
    REQUIRE(said);
    REQUIRE(said->status == 201);
    return std::string(json::parse(said->body).at("token").as_string());
  }
  std::int64_t router_state() const {
    return content_of(sim->handle({"GET", "/sim/virtual_router/1", "", "", "", true}).what).at("state").as_int64();
  }
  void fault(const std::string& wish) const {
    REQUIRE(sim->handle({"POST", "/sim/faults", "", "", wish, true}).what.status == 201);
  }
};

}  // namespace

TEST_CASE("a client logs in, polls, lists, reads and reports over one connection that stays open") {
  const server_fixture f;
  CHECK(f.sim->url() == fmt::format("http://127.0.0.1:{}/", f.sim->port()));
  http_caller caller(f.sim->port());
  const auto token = f.log_in(caller);
  const auto poll = caller.send("GET", "/run_robot/", token);
  REQUIRE(poll);
  CHECK(numbers(json::parse(poll->body).at("content").at("virtual_routers").at("build")) ==
        std::vector<std::int64_t>{1});
  const auto listed = caller.send("GET", "/virtual_router/?search%5Bstate__in%5D=%281%2C2%29", token);
  REQUIRE(listed);
  CHECK(json::parse(listed->body).at("_metadata").at("total_records") == 1);
  CHECK(caller.send("PATCH", "/virtual_router/1/", token, R"({"state":2})").value().status == 200);
  CHECK(caller.send("PATCH", "/virtual_router/1/", token, R"({"state":99})").value().status == 400);
  CHECK(caller.send("POST", "/run_robot/", token, R"({"project_ids":[1]})").value().body.empty());
  CHECK(f.router_state() == 2);
}

TEST_CASE("a redirect names the same place with its slash") {
  const server_fixture f;
  http_caller caller(f.sim->port());
  const auto said = caller.send("PATCH", "/virtual_router/1?x=1", "", R"({"state":2})");
  REQUIRE(said);
  CHECK(said->status == 301);
  CHECK(said->location == "/virtual_router/1/?x=1");
}

TEST_CASE("after a lost reply the connection is closed and the change was made; after a drop it was not") {
  const server_fixture f;
  http_caller first(f.sim->port());
  const auto token = f.log_in(first);
  f.fault(R"({"kind":"lost_reply","method":"PATCH"})");
  CHECK_FALSE(first.send("PATCH", "/virtual_router/1/", token, R"({"state":2})"));
  CHECK(f.router_state() == 2);
  f.fault(R"({"kind":"drop","method":"PATCH"})");
  http_caller second(f.sim->port());
  CHECK_FALSE(second.send("PATCH", "/virtual_router/1/", token, R"({"state":4})"));
  CHECK(f.router_state() == 2);
}

TEST_CASE("a slow answer holds up nobody else") {
  server_fixture f;
  http_caller slow(f.sim->port()), quick(f.sim->port());
  const auto token = f.log_in(slow);
  f.fault(R"({"kind":"slow","delay_ms":300000,"path":"/vm/"})");
  std::atomic<bool> answered{false};
  std::thread waiting([&] {
    slow.send("GET", "/vm/1/", token);
    answered = true;
  });
  // The slow call is in the log once it was made; from then on only its answer is outstanding.
  const auto made = [&] {
    const auto log = parsed_body(f.sim->handle({"GET", "/sim/log", "", "", "", true}).what);
    return log.at("calls").as_array().size() >= 2;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!made() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(made());
  CHECK(quick.send("GET", "/virtual_router/1/", token).value().status == 200);
  CHECK_FALSE(answered);
  // The end of the simulator is what ends the wait.
  f.sim.reset();
  waiting.join();
}

TEST_CASE("a player changes the records over HTTP without a token") {
  const server_fixture f;
  http_caller player(f.sim->port());
  CHECK(player.send("PATCH", "/sim/virtual_router/1?force=true", "", R"({"state":4})").value().status == 200);
  CHECK(player
            .send("PUT", "/sim/virtual_router/1/firewall_rules", "",
                  R"([{"source":"0.0.0.0/0","destination":"10.0.0.2","protocol":"icmp"}])")
            .value()
            .status == 200);
  CHECK(f.router_state() == 10);
  CHECK(player.send("DELETE", "/sim/log").value().status == 204);
  CHECK(player.send("GET", "/sim/state").value().status == 200);
}

TEST_CASE("many connections at once see one consistent cloud") {
  const server_fixture f;
  http_caller first(f.sim->port());
  const auto token = f.log_in(first);
  REQUIRE(first.send("PATCH", "/sim/virtual_router/1?force=true", "", R"({"state":4})"));
  std::atomic<int> accepted{0}, refused{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 8; ++i)
    users.emplace_back([&] {
      http_caller caller(f.sim->port());
      for (int k = 0; k < 25; ++k) {
        const auto said = caller.send("PATCH", "/sim/virtual_router/1", "", R"({"state":5})");
        if (said && said->status == 200)
          ++accepted;
        else
          ++refused;
        caller.send("GET", "/virtual_router/1/", token);
      }
    });
  for (auto& user : users) user.join();
  CHECK(accepted == 200);  // the first moved it, the others asked for what it had
  CHECK(refused == 0);
  CHECK(f.router_state() == 5);
}

TEST_CASE("what is no HTTP, and a body without end, cost one connection") {
  const server_fixture f;
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket raw(io);
  raw.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(f.sim->port())});
  boost::asio::write(raw, boost::asio::buffer(std::string("\x16\x03\x01 nonsense\r\n\r\n")));
  std::array<char, 64> answer{};
  boost::system::error_code ended;
  raw.read_some(boost::asio::buffer(answer), ended);
  CHECK(ended);
  boost::asio::ip::tcp::socket endless(io);
  endless.connect({boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(f.sim->port())});
  boost::asio::write(endless,
                     boost::asio::buffer(std::string("POST /sim/projects HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                                     "99999999999\r\n\r\n")));
  endless.read_some(boost::asio::buffer(answer), ended);
  CHECK(ended);
  http_caller caller(f.sim->port());
  CHECK(caller.send("GET", "/sim/state").value().status == 200);
}

TEST_CASE("with a certificate it speaks TLS only") {
  const own_certificate certificate;
  auto options = small_region();
  options.certificate_file = certificate.certificate_file();
  options.key_file = certificate.key_file();
  const server_fixture f(options);
  CHECK(f.sim->url().starts_with("https://"));
  http_caller sealed(f.sim->port(), true);
  CHECK(sealed.send("GET", "/sim/state").value().status == 200);
  CHECK(sealed.send("GET", "/sim/state").value().status == 200);
  http_caller open(f.sim->port());
  CHECK_FALSE(open.send("GET", "/sim/state"));
}

TEST_CASE("what cannot be listened on, read or loaded is told by name") {
  const server_fixture f;
  auto options = small_region();
  options.port = f.sim->port();
  const auto taken = start_cloud_sim(options, f.time);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == "listen_failed");
  CHECK(taken.error().message.find(std::to_string(options.port)) != std::string::npos);
  options = small_region();
  options.address = "not an address";
  CHECK(start_cloud_sim(options, f.time).error().code == "listen_failed");
  options = small_region();
  options.certificate_file = "/nowhere.pem";
  CHECK(start_cloud_sim(options, f.time).error().code == "certificate_unusable");
  options = small_region();
  options.records.projects.push_back(small_project());
  CHECK(start_cloud_sim(options, f.time).error().code == "record_exists");
}

}  // namespace regent::sim
