// A cloud client that follows the region file: opened when first needed, and anew after a reload.
#pragma once

#include <memory>

#include "actors/context.hpp"

namespace regent {

/// Belongs to one actor.
class cloud_link {
 public:
  explicit cloud_link(context_ptr context) : context_(std::move(context)) {}
  /// Errors: those of make_cloud.
  result<cloud*> get() {
    const auto config = context_->config();
    if (!client_ || config != config_) {
      auto opened = context_->open_cloud(config);
      if (!opened) return tl::unexpected(opened.error());
      client_ = std::move(*opened);
      config_ = config;
    }
    return client_.get();
  }

 private:
  context_ptr context_;
  std::shared_ptr<const region_config> config_;
  std::unique_ptr<cloud> client_;
};

}  // namespace regent
