#include "actors/reader.hpp"

namespace regent {

reader_actor::behavior_type run_reader(reader_shell* self, context_ptr context) {
  self->seen_as().called("reader", "cloud");
  self->state.link = std::make_unique<cloud_link>(std::move(context));
  return {
      [=](const record_wanted& wanted) {
        auto answer = self->state.link->get().and_then([&](cloud* client) { return client->read(wanted.id); });
        if (!answer) self->seen_as().failed(answer.error().text());
        caf::anon_send(wanted.asker, record_answer{std::make_shared<const result<record>>(std::move(answer))});
      },
      [=](const claim_wanted& wanted) {
        const auto said =
            self->state.link->get().and_then([&](cloud* client) { return client->report(wanted.id, wanted.state); });
        claim_answer answer{wanted.state, {}};
        if (!said) answer.refused = said.error();
        caf::anon_send(wanted.asker, std::move(answer));
      },
  };
}

}  // namespace regent
