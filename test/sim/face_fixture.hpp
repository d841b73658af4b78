// A face with one small project, and tokens of the orchestrator and of a user.
#pragma once

#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

struct face_fixture {
  stopped_clock time;
  face_options options;
  cloud_face face{options, time};
  std::string robot, user;

  face_fixture() {
    records_spec records;
    records.servers.emplace_back();
    records.projects.push_back(small_project());
    REQUIRE(face.load(records));
    robot = log_in(options.robot);
    user = log_in(options.user);
    time.pass(std::chrono::seconds(2));
  }
  std::string log_in(const credentials& as) {
    const auto said =
        send("POST", "/auth/login/", "", {{"email", as.email}, {"password", as.password}, {"api_key", as.api_key}});
    REQUIRE(said.status == 201);
    return std::string(parsed_body(said).at("token").as_string());
  }
  answer send(const std::string& method, const std::string& target, const std::string& token,
              const json::value& body = nullptr) {
    return handle(method, target, token, body.is_null() ? "" : json::serialize(body)).what;
  }
  reply handle(const std::string& method, const std::string& target, const std::string& token,
               const std::string& body) {
    return face.handle({method, target, token, "application/json", body, true});
  }
  answer get(const std::string& target) { return send("GET", target, robot); }
  answer patch_router(const json::value& change) { return send("PATCH", "/virtual_router/1/", robot, change); }
  void fault(const json::value& wish) { REQUIRE(send("POST", "/sim/faults", "", wish).status == 201); }
  std::int64_t router_state() { return content_of(send("GET", "/sim/virtual_router/1", "")).at("state").as_int64(); }
};

}  // namespace regent::sim
