#include "edge/http_face.hpp"

#include "edge/http_server.hpp"
#include "edge/routes.hpp"

namespace regent {

namespace {
class served_face final : public http_face {
 public:
  served_face(const region_config& config, const std::string& journal_path, daemon_facts& facts, const clock& time,
              operator_desk desk, tree_desk trees)
      : routes_(
            config.name, [journal_path] { return open_sqlite_reader(journal_path); }, facts, time),
        commands_([journal_path] { return open_sqlite_reader(journal_path); }, std::move(desk)),
        trees_([journal_path] { return open_sqlite_reader(journal_path); }, facts.needs, std::move(trees)) {}

  result<void> start(const http_listeners& where) {
    auto started = start_http_server(
        where, [this](const http_question& asked) { return routes_.answer(asked.target, asked.last_event_id); }, {},
        [this](const http_command& asked, const std::function<void(http_answer)>& said) {
          if (tree_routes::takes(asked.target))
            trees_.answer(asked, said);
          else
            commands_.answer(asked.target, said);
        });
    if (!started) return failure(started.error());
    server_ = std::move(*started);
    return {};
  }
  int port() const override { return server_->port(); }

 private:
  routes routes_;
  operator_routes commands_;
  tree_routes trees_;
  std::unique_ptr<http_server> server_;  // after routes_: its thread ends before they do
};
}  // namespace

result<std::unique_ptr<http_face>> start_http_face(const region_config& config, const std::string& journal_path,
                                                   daemon_facts& facts, const clock& time, operator_desk desk,
                                                   tree_desk trees) {
  const auto& listen = config.listen;
  const auto socket = listen.unix_socket.empty() ? config.state_directory + "/regent.sock" : listen.unix_socket;
  auto face = std::make_unique<served_face>(config, journal_path, facts, time, std::move(desk), std::move(trees));
  if (auto started = face->start({socket, listen.tcp, listen.address, listen.port}); !started)
    return failure(started.error());
  return face;
}

}  // namespace regent
