// What many resources at once, or a tree of jobs, is asked for over HTTP: a POST in, an answer out, through the daemon.
//
//   POST /api/v1/bulk/retry?by=…&kind=…&state=…&project=…&degraded=…    a branch for each resource that is meant; also mend, cancel,
//                                                                     and, with a project, scrub and restore
//   POST /api/v1/trees?by=…                                             the body is an order (region/tree_order.hpp)
//
// lane=: user, retry or audit. preview=true changes nothing and answers with what would be done. by: as of other operators' words. Answers: 200
// {"done":"job 17: …"} or {"preview":…}; 400 `bad_query`, `bad_tree`; 404 `not_found`; 409 `nothing_meant` and other reasons.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edge/http_server.hpp"
#include "edge/operator_routes.hpp"
#include "edge/route_request.hpp"
#include "persistence/bulk_expansion.hpp"

namespace regent {

/// Takes an order to the daemon, with its cause; answered once, on any thread.
using tree_desk = std::function<void(std::shared_ptr<const tree_order>, std::string cause,
                                     std::function<void(const result<std::string>&)>)>;

/// Belongs to one thread at a time.
class tree_routes {
 public:
  using journal_opener = operator_routes::journal_opener;
  tree_routes(journal_opener open, const kind_needs& needs, tree_desk desk)
      : open_(std::move(open)), needs_(needs), desk_(std::move(desk)) {}

  /// Whether the target is for these routes.
  static bool takes(std::string_view target);
  void answer(const http_command& asked, const std::function<void(http_answer)>& said);

 private:
  struct wish {
    std::shared_ptr<tree_order> order;
    std::string by;
    bool preview = false;
  };
  result<wish> wish_of(const http_command& asked);
  result<tree_order> bulk(const std::string& verb, const route_request& given);

  journal_opener open_;
  const kind_needs& needs_;
  tree_desk desk_;
};

}  // namespace regent
