// A scripted cloud with a login, a session with injected time, and a client of it.
#pragma once

#include <atomic>
#include <map>

#include "edge/cloud_session.hpp"
#include "edge/cloudcix_cloud.hpp"
#include "test/edge/cloud_server.hpp"

namespace regent::test {

/// Time that only moves when told to.
class manual_clock final : public clock {
 public:
  wall_time wall() const override { return wall_time(milliseconds(1'800'000'000'000 + ms_)); }
  steady_time steady() const override { return steady_time(milliseconds(3'600'000 + ms_)); }
  void advance(milliseconds span) { ms_ += span.count(); }

 private:
  std::atomic<std::int64_t> ms_{0};
};

inline std::string list_json(const std::string& rows, std::size_t total, int page = 0, int limit = 100,
                             const std::string& warnings = "") {
  return fmt::format(
      R"({{"content":[{}],"_metadata":{{"page":{},"limit":{},"order":"created","total_records":{},"warnings":[{}]}}}})",
      rows, page, limit, total, warnings);
}

inline std::string one_json(const std::string& record) { return fmt::format(R"({{"content":{}}})", record); }

inline std::string head_json(int id, int state) {
  return fmt::format(R"({{"id":{},"state":{},"updated":"2026-11-20T10:00:00.000001","project":{{"id":7,"name":"p"}}}})",
                     id, state);
}

inline std::string refusal_json(const std::string& code, const std::string& detail) {
  return fmt::format(R"({{"error_code":"{}","detail":"{}"}})", code, detail);
}

/// The value of a parameter in a request's target; empty if it is not there.
inline std::string parameter(const seen_request& request, const std::string& name) {
  const auto at = request.target.find(name + "=");
  if (at == std::string::npos) return {};
  const auto from = at + name.size() + 1;
  return request.target.substr(from, request.target.find('&', from) - from);
}

/// Answers the login itself ("token-1", "token-2", … for each login or renewal) and leaves the rest to the test.
class cloud_fixture {
 public:
  explicit cloud_fixture(cloud_server::script answers, std::optional<server_tls> tls = {}, std::string ca_file = {})
      : script(std::move(answers)), server([this](const seen_request& r) { return answer(r); }, std::move(tls)) {
    config.url = server.url();
    config.email = "robot@example.test";
    config.password = {secret_reference::source::inline_value, "pa55word"};
    config.api_key = {secret_reference::source::inline_value, "k3y"};
    config.ca_file = std::move(ca_file);
    options.seed = 1;
    options.pause = [this](milliseconds span) {
      paused += span.count();
      time.advance(span);
    };
  }

  cloud_session& session() {
    if (!session_) session_ = std::make_shared<cloud_session>(config, time, options);
    return *session_;
  }
  cloudcix_cloud& client() {
    session();
    if (!client_)
      client_ = std::make_unique<cloudcix_cloud>(session_, parse_http_address(config.url).value(), body_most);
    return *client_;
  }
  std::shared_ptr<cloud_session> shared_session() {
    session();
    return session_;
  }

  manual_clock time;
  cloud_config config;
  session_options options;
  std::size_t body_most = limits::cloud_body_bytes;
  std::atomic<std::int64_t> paused{0};  ///< milliseconds
  std::atomic<int> logins{0};
  cloud_server::script login;  ///< instead of the usual one
  cloud_server::script script;
  cloud_server server;

 private:
  scripted_answer answer(const seen_request& request) {
    if (request.target != "/iaas/auth/login/") return script(request);
    if (login) return login(request);
    return scripted_answer::json(request.method == "PUT" ? 200 : 201,
                                 fmt::format(R"({{"token":"token-{}"}})", ++logins));
  }

  std::shared_ptr<cloud_session> session_;
  std::unique_ptr<cloudcix_cloud> client_;
};

}  // namespace regent::test
