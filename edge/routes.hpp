// The HTTP face's table of routes: a target in, an answer out. No socket and no actor: it reads the daemon's facts and,
// through a reader of its own, the journal.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "edge/http_face.hpp"
#include "edge/http_server.hpp"
#include "persistence/journal_reader.hpp"

namespace regent {

class face_handlers;

/// Belongs to one thread at a time.
class routes {
 public:
  using journal_opener = std::function<result<std::unique_ptr<journal_reader>>()>;

  /// `open` is called when the journal is first needed, and again after an error. `facts` and `time` outlive this.
  routes(std::string region, journal_opener open, const daemon_facts& facts, const clock& time);
  ~routes();
  routes(const routes&) = delete;
  routes& operator=(const routes&) = delete;

  /// Never fails: an error is an answer with {"error":{"code","message"}}: 400 `bad_query`, 404 `unknown_path` or
  /// `not_found`, 503 with the journal's own code, or `not_live`, `not_ready`, `too_many_streams`.
  /// `last_event_id`: the header of a client that takes up a stream again; empty for none.
  http_answer answer(std::string_view target, std::string_view last_event_id = {});

 private:
  std::unique_ptr<face_handlers> handlers_;
};

}  // namespace regent
