// `regent cloud-sim` as a server: the cloud's dialect and the play over HTTP/1.1 on a real socket, with TLS if wanted.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sim/cloud_face.hpp"
#include "sim/cloud_records.hpp"

namespace regent::sim {

struct cloud_sim_options {
  records_spec records;
  face_options face;
  std::string address = "127.0.0.1";
  int port = 0;                  ///< 0: any free one
  std::string certificate_file;  ///< PEM, with its key: then it speaks TLS only
  std::string key_file;
  std::size_t threads = 2;
};

/// A running simulator; its end closes every connection and joins its threads.
class cloud_sim {
 public:
  virtual ~cloud_sim() = default;
  virtual int port() const = 0;
  /// "http://127.0.0.1:41234/": the base address for a region file's `cloud.url`.
  virtual std::string url() const = 0;
  /// A call without a socket, for tests that play the user.
  virtual reply handle(const call& what) = 0;
};

/// `time` outlives the simulator. Errors: permanent `listen_failed` naming the address; permanent
/// `certificate_unusable`; conflict `record_exists`.
result<std::unique_ptr<cloud_sim>> start_cloud_sim(const cloud_sim_options& options, const clock& time);

}  // namespace regent::sim
