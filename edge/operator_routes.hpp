// What an operator may say over HTTP: a POST's target in, an answer out, through the daemon. No socket and no actor.
//
//   POST /api/v1/jobs/7/cancel?by=…                     a word about a job
//   POST /api/v1/resources/virtual_router/3/retry?by=…  about a resource
//   POST /api/v1/hosts/podnet-a/cordon?by=…             about a host
//   POST /api/v1/schedules/nightly/pause?by=…           about a schedule: region/operator_command.hpp has all words
//
// by: who says so and why, at most limits::operator_words_bytes; it stands in the journal. preview=1: only what would happen is
// answered, {"would":"…"}; force-detach does that unless preview=0. retry: from=STEP. mark-done, mark-failed: step=STEP.
// Answers: 200 {"done":"…"}; 400
// `bad_query`; 404 `not_found`, `unknown_path`; 409 with the reason's code; 503 with the journal's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "edge/http_query.hpp"
#include "edge/http_server.hpp"
#include "persistence/journal_reader.hpp"
#include "region/operator_command.hpp"

namespace regent {

/// Takes the word to the daemon, which answers once, on any thread: a sentence, or why not.
using operator_desk = std::function<void(operator_command, std::function<void(const result<std::string>&)>)>;

/// 200 with the sentence, as done or as what would be, or the error with the status that its code stands for.
http_answer answer_of(const result<std::string>& said, bool preview = false);
/// by=: who says so, and why. Errors: permanent `bad_query`.
result<std::string> operator_words(const http_query& query);

/// Belongs to one thread at a time.
class operator_routes {
 public:
  using journal_opener = std::function<result<std::unique_ptr<journal_reader>>()>;
  operator_routes(journal_opener open, operator_desk desk) : open_(std::move(open)), desk_(std::move(desk)) {}

  void answer(std::string_view target, const std::function<void(http_answer)>& said);

 private:
  result<operator_command> command_of(std::string_view target);
  result<resource_id> resource_of(job_id id, bool must_be_open);

  journal_opener open_;
  operator_desk desk_;
};

}  // namespace regent
